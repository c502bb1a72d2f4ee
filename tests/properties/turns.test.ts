import { expect, it } from 'vitest';
import type { ConversationActor } from '../../actors/conversation-actor.ts';
import { WHILE_BUSY } from '../../src/domain/conversation.ts';
import { decodeBody, isKind, type LogEvent } from '../../src/domain/event.ts';
import { turnId } from '../../src/domain/ids.ts';
import { isOver } from '../../src/domain/turn.ts';
import type { ServerFrames } from '../../src/protocol/server-frames.ts';
import { ControlledStore, type Fate } from '../support/controlled-store.ts';
import { fc, runs } from '../support/properties.ts';
import {
  ada,
  assistant,
  bob,
  joining,
  listen,
  message,
  settled,
  World,
} from '../support/test-actors.ts';
import { type Asked, TestAgent } from '../support/test-agent.ts';
import type { TestOutlet } from '../support/test-outlet.ts';
import { call, decide } from '../support/turn-tools.ts';
import { TurnWitness } from '../support/turn-witness.ts';

/** What happens, one after the other; numbers choose among what there is. */
type Step =
  | { readonly do: 'ask'; readonly content: number }
  | { readonly do: 'say'; readonly text: string }
  | { readonly do: 'tool'; readonly needsApproval: boolean }
  | {
      readonly do:
        | 'result'
        | 'decide'
        | 'cancel'
        | 'restart'
        | 'finish'
        | 'fail'
        | 'crash'
        | 'join';
    }
  | { readonly do: 'pause' | 'resume'; readonly reader: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'doom'; readonly fate: Fate };

const plain = <
  D extends 'result' | 'decide' | 'cancel' | 'restart' | 'finish' | 'fail' | 'crash' | 'join',
>(
  ...names: D[]
) => fc.constantFrom(...names).map((name) => ({ do: name }));

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('ask' as const), content: fc.nat(9) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('say' as const),
      text: fc.oneof(fc.string({ unit: 'grapheme', maxLength: 6 }), fc.constant('x'.repeat(900))),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('tool' as const), needsApproval: fc.boolean() }),
  },
  { weight: 3, arbitrary: plain('result', 'decide') },
  { weight: 3, arbitrary: plain('finish') },
  { weight: 2, arbitrary: plain('cancel', 'restart', 'fail', 'crash', 'join') },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('pause' as const, 'resume' as const),
      reader: fc.nat(3),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('doom' as const),
      fate: fc.constantFrom<Fate>('none', 'lost', 'stored', 'late', 'late'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.constantFrom(1, 10, 700, 31_000),
    }),
  },
);

/** A connection, and the witness of what it was shown. */
interface Reader {
  readonly outlet: TestOutlet;
  readonly witness: TurnWitness;
  /** Frames that the witness was shown. */
  shown: number;
}

/** One conversation over several processes, its agent, and people who read. */
class Play {
  readonly #store = new ControlledStore();
  readonly #broken: string[] = [];
  readonly #policy: (typeof WHILE_BUSY)[number];
  #store2 = this.#store;
  #world!: World;
  #agent!: TestAgent;
  #actor!: ConversationActor;
  #readers: Reader[] = [];
  #calls = 0;
  #open: Array<{
    readonly callId: string;
    readonly asked: Asked;
    readonly needsApproval: boolean;
  }> = [];
  /** How often each call was allowed to run, over all processes. */
  readonly #runs = new Map<string, number>();

  constructor(policy: (typeof WHILE_BUSY)[number]) {
    this.#policy = policy;
  }

  async begin(): Promise<void> {
    this.#start();
    this.#actor = await this.#world.room({ agent: { ...assistant, whileBusy: this.#policy } });
    await this.#actor.post(joining(bob));
    for (let readers = 0; readers < 3; readers += 1) this.#join();
  }

  #start(clock?: World['clock']): void {
    this.#agent = new TestAgent();
    this.#world = new World({
      agent: this.#agent,
      store: this.#store2,
      limits: { outboundBytes: 2_000 },
      ...(clock === undefined ? {} : { clock }),
    });
  }

  #join(): void {
    if (this.#readers.length >= 6) return;
    const { outlet } = listen(this.#actor, { who: bob, outlet: this.#world.outlet() });
    this.#readers.push({
      outlet,
      witness: new TurnWitness((text) => this.#broken.push(text)),
      shown: 0,
    });
  }

  get #last(): Asked | undefined {
    return this.#agent.asked.at(-1);
  }

  async act(given: Step): Promise<void> {
    switch (given.do) {
      case 'ask':
        void this.#actor.post(message(ada, `question ${given.content}`));
        break;
      case 'say':
        this.#last?.say(given.text);
        break;
      case 'tool':
        this.#tool(given.needsApproval);
        break;
      case 'result': {
        const open = this.#open.find(({ needsApproval }) => !needsApproval);
        if (open !== undefined) {
          void open.asked.input.tools.end(open.callId, { result: open.callId, durationMs: 1 });
        }
        break;
      }
      case 'decide': {
        const [turn] = this.#actor.turnSnapshots();
        const waits = turn?.calls.find(({ state }) => state === 'waiting');
        if (turn !== undefined && waits !== undefined) {
          const verdict = this.#calls % 2 === 0 ? 'approve' : 'reject';
          void decide(this.#actor, turn.turnId, { callId: waits.callId, verdict });
        }
        break;
      }
      case 'cancel': {
        const [turn] = this.#actor.turnSnapshots();
        if (turn !== undefined) this.#actor.cancelTurn(turnId(turn.turnId));
        break;
      }
      case 'restart':
        this.#last?.give({ type: 'restarted' });
        break;
      case 'finish':
        this.#last?.done();
        break;
      case 'fail':
        this.#last?.fail(new Error('told to'));
        break;
      case 'crash':
        await this.#crash();
        break;
      case 'join':
        this.#join();
        break;
      case 'pause':
      case 'resume': {
        const reader = this.#readers[given.reader];
        reader?.outlet[given.do]();
        // It may be spared the last deltas of a turn, and has its message.
        if (reader !== undefined) reader.witness.isSlow = true;
        break;
      }
      case 'doom':
        this.#store2.doom('append', given.fate);
        break;
      case 'pass':
        // What was on its way to the store lands, behind what was written since.
        if (given.ms === 10) await this.#store2.land();
        await this.#world.clock.pass(given.ms);
        break;
      default:
        given satisfies never;
    }
    await settled();
    this.#look();
  }

  #tool(needsApproval: boolean): void {
    const asked = this.#last;
    if (asked === undefined) return;
    this.#calls += 1;
    const callId = `c${this.#calls}`;
    const steps = this.#actor.turnSnapshots()[0]?.calls.length ?? 0;
    const key = `${asked.input.turnId} ${callId}`;
    asked.input.tools.begin(call(callId, { needsApproval, step: steps })).then(
      (permit) => {
        if (permit.kind !== 'run') return;
        this.#runs.set(key, (this.#runs.get(key) ?? 0) + 1);
        this.#open.push({ callId, asked, needsApproval: false });
      },
      () => {},
    );
  }

  /** The process ends without a word; the next one asks the agent again, which takes up what it finds. */
  async #crash(): Promise<void> {
    const { clock } = this.#world;
    this.#store2.down();
    this.#store2 = new ControlledStore(this.#store.inner);
    const { id } = this.#actor;
    this.#start(clock);
    this.#actor = await this.#world.actor(id);
    this.#readers = [];
    this.#open = [];
    for (let readers = 0; readers < 3; readers += 1) this.#join();
    await this.#world.registry.recoverTurns();
    await settled();
    const asked = this.#last;
    if (asked === undefined) return;
    for (const { text, calls } of asked.input.steps) {
      if (text !== '') asked.say(text);
      for (const one of calls) {
        const key = `${asked.input.turnId} ${one.callId}`;
        const again = call(one.callId, { needsApproval: one.needsApproval });
        asked.input.tools.begin(again).then(
          (permit) => {
            if (permit.kind === 'run') this.#runs.set(key, (this.#runs.get(key) ?? 0) + 1);
          },
          () => {},
        );
      }
    }
  }

  /** Shows each witness what its reader was newly shown. */
  #look(): void {
    for (const reader of this.#readers) {
      const { outlet, witness } = reader;
      for (const frame of outlet.got.slice(reader.shown)) {
        if (frame.type === 'event') {
          const event = frame as unknown as ServerFrames['event'];
          if (event.kind === 'message') witness.message(event);
        } else if (/^turn\.(started|delta|snapshot|ended)$/.test(frame.type)) {
          witness.sees(frame as unknown as ServerFrames['turn.delta'], Number.POSITIVE_INFINITY);
        }
      }
      reader.shown = outlet.got.length;
    }
  }

  async end(): Promise<void> {
    for (const { outlet } of this.#readers) outlet.resume();
    for (let turns = 0; turns < 40; turns += 1) {
      await this.#world.clock.pass(31_000);
      this.#last?.say('the end').done();
      await settled();
      this.#look();
      if (this.#actor.turns?.open === 0) break;
    }
  }

  /** What is wrong, if anything. */
  async flaws(): Promise<readonly string[]> {
    const log = await this.#world.log(this.#actor.id);
    const read = await this.#store.inner.readTurns(this.#actor.id, { limit: 1_000 });
    const turns = read.ok ? read.value : [];
    const flaws = [...this.#broken];
    for (const turn of turns) {
      if (!isOver(turn.state)) flaws.push(`${turn.id} is ${turn.state}`);
      const answers = log.filter(
        (event) => isKind(event, 'message') && decodeBody(event).turn_id === turn.id,
      );
      if (answers.length > 1) flaws.push(`${turn.id} has ${answers.length} messages`);
      if ((answers[0]?.seq ?? null) !== turn.messageSeq)
        flaws.push(`${turn.id} names another message`);
      const calls = (turn.steps ?? []).flatMap((step) => step.calls);
      if (calls.some(({ state }) => state !== 'done')) flaws.push(`${turn.id} left a call open`);
    }
    for (const [key, runs] of this.#runs) if (runs > 1) flaws.push(`${key} ran ${runs} times`);
    return [...flaws, ...decidedTwice(log)];
  }
}

function decidedTwice(log: readonly LogEvent[]): string[] {
  const keys = log.flatMap((event) =>
    isKind(event, 'turn.decided')
      ? [`${decodeBody(event).turn_id} ${decodeBody(event).call_id}`]
      : [],
  );
  return keys
    .filter((key, at) => keys.indexOf(key) !== at)
    .map((key) => `${key} was decided twice`);
}

it.each(WHILE_BUSY)(
  'under %s the deltas of the last attempt are the message, calls run once, and every turn has one end, whatever happens',
  async (policy) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }),
        async (steps) => {
          const play = new Play(policy);
          await play.begin();
          for (const given of steps) await play.act(given);
          await play.end();
          expect(await play.flaws()).toEqual([]);
        },
      ),
      { numRuns: runs(100) },
    );
  },
);
