import { expect } from 'vitest';
import { amend, trim } from '../../actors/commands.ts';
import { CommitTick } from '../../actors/commit-tick.ts';
import type { ConversationActor } from '../../actors/conversation-actor.ts';
import type { Draft, Outcome, Unsettled } from '../../actors/draft.ts';
import { encodeBody, type LogEvent } from '../../src/domain/event.ts';
import { type ConversationId, conversationId } from '../../src/domain/ids.ts';
import type { Author } from '../../src/domain/participant.ts';
import { CachedStore } from '../../storage/cache/cached-store.ts';
import type { Append } from '../../storage/store.ts';
import { ControlledStore, type Fate, type Operation } from '../support/controlled-store.ts';
import {
  ada,
  assistant,
  bob,
  cy,
  joining,
  leaving,
  listen,
  message,
  type Reader,
  settled,
  World,
} from '../support/test-actors.ts';
import { TestAgent } from '../support/test-agent.ts';

export const PEOPLE: readonly Author[] = [ada, bob, cy];
/** The other server of the same store. */
const FOREIGNER: Author = { ...bob, name: 'Bob elsewhere' };

export interface Setup {
  /** A cache of one conversation is around the store, which is known to be shared. */
  readonly isCached: boolean;
  readonly hasAgent: boolean;
  readonly mailboxCapacity: number;
  readonly outboundBytes: number;
}

/** One draft, with every answer it was ever given. */
interface Sent {
  readonly draft: Unsettled<Draft>;
  readonly outcomes: Outcome[];
  /** Its process is gone: it may have no answer. */
  isOrphan: boolean;
}

interface Follower {
  readonly reader: Reader;
  readonly actor: ConversationActor;
  readonly from: number;
  /** It left, was closed or let go of: what it saw is right, and need not be all. */
  isGone: boolean;
}

/** One conversation under a random life; `check` says whether every promise was kept. */
export class Harness {
  readonly store = new ControlledStore();
  readonly id: ConversationId = conversationId('c');
  readonly sent: Sent[] = [];
  readonly followers: Follower[] = [];
  readonly #setup: Setup;
  readonly #worlds: World[] = [];
  #world: World;
  #due: Array<() => void> = [];
  #actor: ConversationActor | undefined;
  /** The process that `#actor` is of: after a restart there is none of the new one's yet. */
  #home: World | undefined;
  #isWaking = false;
  #contents = 0;
  /** What was trimmed, as it was then: the event with seq n is at `n - 1`. */
  readonly #trimmed: LogEvent[] = [];
  #archiving: Promise<void> = Promise.resolve();

  constructor(setup: Setup) {
    this.#setup = setup;
    this.store.isShared = setup.isCached;
    this.#world = this.#newWorld();
    const append = this.store.inner.append.bind(this.store.inner);
    this.store.inner.append = (batch) => {
      // The memory store does each of these at once.
      const [before, written, after] = [this.#stored(), append(batch), this.#stored()];
      const last = this.#archiving;
      this.#archiving = (async () => {
        await last;
        const firstSeq = (await after)[0]?.seq ?? Number.POSITIVE_INFINITY;
        const isOurs = batch.id === this.id && (await written).ok;
        const gone = isOurs ? [...(await before), ...batch.events] : [];
        this.#trimmed.push(...gone.filter(({ seq }) => seq < firstSeq));
      })();
      return written;
    };
  }

  async open(): Promise<void> {
    const agent = this.#setup.hasAgent ? assistant : null;
    this.#actor = await this.#world.room({ agent }, this.id);
    this.#home = this.#world;
    await this.#world.room({}, 'other');
  }

  #newWorld(): World {
    const agent = new TestAgent();
    agent.answers = ({ triggerSeq }) => `answer to ${triggerSeq}`;
    const { isCached, hasAgent, mailboxCapacity, outboundBytes } = this.#setup;
    const world = new World({
      store: this.store,
      tick: new CommitTick(
        (run) => this.#due.push(run),
        () => 0,
      ),
      limits: { mailboxCapacity, outboundBytes, maxQueuedTurns: 3 },
      ...(hasAgent ? { agent } : {}),
      ...(isCached
        ? { around: (store) => new CachedStore(store, { maxBytes: 1e6, maxConversations: 1 }) }
        : {}),
    });
    this.#worlds.push(world);
    return world;
  }

  get actor(): ConversationActor {
    if (this.#actor === undefined) throw new Error('not open');
    return this.#actor;
  }

  offer(draft: Unsettled<Draft>): void {
    const sent: Sent = { draft, outcomes: [], isOrphan: this.#home !== this.#world };
    this.sent.push(sent);
    const settle = (outcome: Outcome) => {
      sent.outcomes.push(outcome);
    };
    const refused = this.actor.offer({ ...draft, settle } as Draft);
    if (refused !== undefined) settle({ ok: false, failure: refused });
    this.wake();
  }

  say(who: Author, key: string | null, variant: number): void {
    this.#contents += 1;
    // With a key the content is the key's, so that a repeated request is one; without, it is nobody else's.
    this.offer(message(who, key === null ? `#${this.#contents}` : `${key}/${variant}`, { key }));
  }

  come(who: Author): void {
    this.offer(joining(who));
  }

  go(who: Author): void {
    if (who !== ada) this.offer(leaving(who));
  }

  amend(who: Author, targetSeq: number, more: { key: string | null; content?: string }): void {
    const { key, content } = more;
    const edit = { author: who, key, targetSeq } as const;
    const draft: Unsettled<Draft> =
      content === undefined
        ? {
            kind: 'message.deleted',
            ...edit,
            body: encodeBody('message.deleted', { target_seq: targetSeq }),
          }
        : {
            kind: 'message.edited',
            ...edit,
            body: encodeBody('message.edited', { target_seq: targetSeq, content }),
          };
    const sent: Sent = { draft, outcomes: [], isOrphan: this.#home !== this.#world };
    this.sent.push(sent);
    void amend(this.actor, { author: who, targetSeq, ...more }).then((outcome) => {
      sent.outcomes.push(outcome);
    });
  }

  follow(who: Author, position: number): void {
    const { actor } = this;
    const isOpen = actor.state.startsWith('open') || actor.state === 'failed';
    if (!isOpen || this.#home !== this.#world || !actor.members.has(who.id)) return;
    const { headSeq, firstSeq } = actor.conversation;
    const from = Math.min(Math.max(position, firstSeq - 1), headSeq);
    const reader = listen(actor, { outlet: this.#world.outlet(), who, position: from });
    this.followers.push({ reader, actor, from, isGone: false });
  }

  follower(at: number): Follower | undefined {
    const here = this.followers.filter(({ isGone }) => !isGone);
    return here[at % Math.max(here.length, 1)];
  }

  unfollow(at: number): void {
    const follower = this.follower(at);
    if (follower === undefined) return;
    follower.actor.detach(follower.reader.subscription);
    follower.isGone = true;
  }

  /** The store's next commit tick. */
  tick(): void {
    for (const run of this.#due.splice(0)) run();
  }

  release(fate: Fate, index: number): void {
    if (this.store.held.length > 0) this.store.release(fate, index % this.store.held.length);
  }

  doom(operation: Operation, fate: Fate): void {
    this.store.doom(operation, fate);
  }

  /** Another server writes. */
  async foreign(count: number): Promise<void> {
    const head = (await this.log()).length;
    const events = Array.from({ length: count }, (_, at): LogEvent => {
      this.#contents += 1;
      const body = encodeBody('message', { content: `foreign ${this.#contents}` });
      return {
        seq: head + 1 + at,
        kind: 'message',
        author: FOREIGNER,
        createdAt: 7,
        key: null,
        body,
      };
    });
    const batch: Append = { id: this.id, expectedHead: head, events, effects: [] };
    await this.store.inner.append(batch);
  }

  /** The log is to begin there: this server says so, or another one does. */
  async trim(firstSeq: number, isForeign: boolean): Promise<void> {
    if (!isForeign) {
      void trim(this.actor, firstSeq);
      this.wake();
      return;
    }
    const head = (await this.log()).length;
    const effect = { kind: 'trimmed', firstSeq: Math.min(firstSeq, head + 1) } as const;
    await this.store.inner.append({
      id: this.id,
      expectedHead: head,
      events: [],
      effects: [effect],
    });
  }

  /** Makes a cache of one forget the conversation. */
  evict(): void {
    void this.#world.parts.store.load(conversationId('other'));
  }

  /** Wakes the conversation when it is asleep. */
  wake(): void {
    const world = this.#world;
    const isAwake = this.#home === world && this.actor.state !== 'passivated';
    if (isAwake || this.#isWaking) return;
    this.#isWaking = true;
    void world.registry.get(this.id).then((found) => {
      if (world !== this.#world) return;
      this.#isWaking = false;
      if (!found.ok) return;
      this.#actor = found.value;
      this.#home = world;
    });
  }

  passivate(): void {
    this.actor.passivateIfIdle();
  }

  async pass(ms: number): Promise<void> {
    const passing = this.#world.clock.pass(ms);
    for (let turn = 0; turn < 3; turn += 1) {
      this.tick();
      await settled();
    }
    await passing;
  }

  /** The process is gone, with all it knew; what it was writing may land yet. Another takes its place. */
  restart(): void {
    for (const sent of this.sent) sent.isOrphan ||= sent.outcomes.length === 0;
    for (const follower of this.followers) follower.isGone = true;
    this.#world = this.#newWorld();
    this.#isWaking = false;
    void this.#world.registry.recoverTurns();
    this.wake();
  }

  /** What the transport does with those whom the actors let go of. */
  tidy(): void {
    for (const follower of this.followers) {
      const { outlet, dismissals, subscription } = follower.reader;
      if (outlet.closedWith.length > 0) follower.actor.detach(subscription);
      follower.isGone ||= outlet.closedWith.length > 0 || dismissals.length > 0;
    }
  }

  /** The store is well, everybody reads, and time passes, until nothing moves any more. */
  async calmDown(): Promise<void> {
    // Long enough for the turns of a server that is gone to be taken by another.
    for (let round = 0; round < 12; round += 1) {
      this.store.letGo();
      this.store.forgive();
      await this.store.land();
      for (const { reader } of this.followers) reader.outlet.resume();
      await this.pass(4_000);
      this.wake();
      this.tidy();
    }
    // Its next write shows a process what another has written.
    this.say(ada, null, 0);
    for (let round = 0; round < 4; round += 1) await this.pass(10);
    // A reader that has seen nothing yet sees the log as it is now.
    this.follow(ada, 0);
    for (let round = 0; round < 4; round += 1) await this.pass(10);
    this.tidy();
  }

  /** All that was ever stored. */
  async log(): Promise<readonly LogEvent[]> {
    const stored = await this.#stored();
    await this.#archiving;
    const firstSeq = stored[0]?.seq ?? Number.POSITIVE_INFINITY;
    return [...this.#trimmed.filter(({ seq }) => seq < firstSeq), ...stored];
  }

  /** Whether it is not in the store any more. */
  isTrimmed(seq: number): boolean {
    return seq <= this.#trimmed.length;
  }

  #stored(): Promise<readonly LogEvent[]> {
    return this.#world.log(this.id);
  }

  /** Nobody stays: nothing may be left of the conversation but what is stored. */
  async leaveAll(): Promise<void> {
    for (const { actor, reader } of this.followers) actor.detach(reader.subscription);
    await this.pass(70_000);
    expect(this.actor.state).toBe('passivated');
    expect(this.actor.audience.size).toBe(0);
    expect(this.actor.mailboxDepth).toBe(0);
    expect(this.#world.meters.congested).toBe(0);
  }

  /** What should never have been said to the log: invariants that did not hold, but for the crashes asked for. */
  get faults(): readonly unknown[] {
    return this.#worlds
      .flatMap(({ reports }) => reports)
      .flatMap(({ cause }) => (cause instanceof Error ? [cause.message] : []))
      .filter((cause) => !/^(broken|the store is |the log could not be read)/.test(cause));
  }
}
