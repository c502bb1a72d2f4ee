import { type Frame, Wire } from '../harness/wire.ts';
import { inLanes, type Measured, type Plan, questionOf, Stopwatch, warmUpOf } from './measured.ts';

/** One person who asks in many conversations at once, over one connection. */
export async function askEverywhere(
  { port, cpuSeconds }: { readonly port: number; readonly cpuSeconds: () => number },
  plan: Omit<Plan, 'base'>,
): Promise<Measured> {
  const { wire } = await Wire.open(port);
  const asking = new Asking(wire);
  const warmUp = warmUpOf(plan);
  // Conversations are made before the clock runs: a turn begins with what somebody says.
  for (let at = 1; at <= plan.turns; at += 1) await asking.enter(`c-${at}`);
  for (let at = 1; at <= warmUp.turns; at += 1) await asking.enter(`warm-${at}`);
  await inLanes(warmUp, (at) => asking.turn(`warm-${at}`, questionOf(warmUp, at), new Stopwatch()));
  const watch = new Stopwatch();
  const begun = { cpu: cpuSeconds(), at: watch.now() };
  await inLanes(plan, (at) => asking.turn(`c-${at}`, questionOf(plan, at), watch));
  const spent = { cpuSeconds: cpuSeconds() - begun.cpu, seconds: (watch.now() - begun.at) / 1e3 };
  wire.close();
  return watch.read({ turns: plan.turns, ...spent });
}

interface Open {
  readonly askedAt: number;
  readonly watch: Stopwatch;
  hasFirst: boolean;
  readonly end: () => void;
}

class Asking {
  readonly #wire: Wire;
  readonly #open = new Map<string, Open>();

  constructor(wire: Wire) {
    this.#wire = wire;
    wire.onFrame = (text) => this.#hear(text);
  }

  async enter(id: string): Promise<void> {
    await this.#wire.ask({ type: 'join', id, conversation_id: id, create: true }, 'live');
  }

  async turn(id: string, content: string, watch: Stopwatch): Promise<void> {
    await new Promise<void>((end) => {
      this.#open.set(id, { askedAt: watch.now(), watch, hasFirst: false, end });
      this.#wire.say({ type: 'send', id, conversation_id: id, content });
    });
  }

  /** Only what turns say is looked into. */
  #hear(text: string): boolean {
    if (text.startsWith('{"type":"turn.delta"')) {
      const { conversation_id, text: said } = JSON.parse(text) as Frame;
      const open = this.#open.get(String(conversation_id));
      if (open === undefined) return true;
      if (!open.hasFirst) open.watch.first(open.askedAt);
      open.hasFirst = true;
      open.watch.tokens(String(said));
      return true;
    }
    if (text.startsWith('{"type":"turn.ended"')) {
      const { conversation_id, state } = JSON.parse(text) as Frame;
      const id = String(conversation_id);
      const open = this.#open.get(id);
      this.#open.delete(id);
      if (state === 'completed') open?.watch.whole(open.askedAt);
      else open?.watch.fail();
      open?.end();
      return true;
    }
    return !/^\{"type":"(welcome|live|error)"/.test(text);
  }
}
