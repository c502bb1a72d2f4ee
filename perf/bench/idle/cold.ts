import { percentile } from '../harness/stats.ts';
import { Wire } from '../harness/wire.ts';

/** Messages in each conversation before it is cold. */
const MESSAGES = 20;
/** Conversations that are filled at once. */
const TOGETHER = 32;
/** Sends that warm the code, to conversations of their own. */
const WARM = 200;

export interface Cold {
  /** Makes them, with some messages each. */
  readonly fill: (port: number) => Promise<void>;
  /** The first send to each, in a server that has touched none of them, and the second beside it. */
  readonly send: (port: number) => Promise<{ first: Times; second: Times }>;
}

/** Milliseconds from a send to its ack. */
export interface Times {
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

/** Conversations of one person, who sends to them without joining them. */
export function coldSends(conversations: number): Cold {
  let token = '';
  return {
    fill: async (port) => {
      const first = await Wire.open(port);
      token = first.token;
      let next = 0;
      const maker = async () => {
        const { wire } = await Wire.open(port, token);
        while (next < conversations + WARM) await make(wire, next++);
        wire.close();
      };
      await Promise.all(Array.from({ length: TOGETHER }, maker));
      first.wire.close();
    },
    send: async (port) => {
      const { wire } = await Wire.open(port, token);
      const [first, second]: [number[], number[]] = [[], []];
      for (let at = 0; at < conversations + WARM; at += 1) {
        const times = [await sendTo(wire, at), await sendTo(wire, at)] as const;
        if (at < WARM) continue;
        first.push(times[0]);
        second.push(times[1]);
      }
      wire.close();
      return { first: timesOf(first), second: timesOf(second) };
    },
  };
}

async function make(wire: Wire, at: number): Promise<void> {
  const conversation_id = `cold-${at}`;
  await wire.ask({ type: 'join', id: 'j', conversation_id, create: true }, 'live');
  for (let message = 1; message < MESSAGES; message += 1) wire.say(messageTo(at));
  await wire.ask({ type: 'leave', id: 'l', conversation_id }, 'left');
}

async function sendTo(wire: Wire, at: number): Promise<number> {
  const started = performance.now();
  await wire.ask(messageTo(at), 'ack');
  return performance.now() - started;
}

function timesOf(times: number[]): Times {
  times.sort((a, b) => a - b);
  const at = (share: number) => percentile(times, share);
  return { p50: at(0.5), p99: at(0.99), most: at(1) };
}

function messageTo(at: number) {
  return { type: 'send', id: 's', conversation_id: `cold-${at}`, content: 'x'.repeat(128) };
}
