import type { ActorLimits, ActorParts } from '../../actors/actor-parts.ts';
import type { Agent } from '../../actors/agent-port.ts';
import { found } from '../../actors/commands.ts';
import { CommitTick } from '../../actors/commit-tick.ts';
import type { ConversationActor } from '../../actors/conversation-actor.ts';
import type { Draft, Outcome, Unsettled } from '../../actors/draft.ts';
import { Registry } from '../../actors/registry.ts';
import type { Subscription } from '../../actors/subscription.ts';
import type { TurnLimits } from '../../actors/turn-host.ts';
import type { AgentSettings, Settings } from '../../src/domain/conversation.ts';
import { encodeBody, type LogEvent } from '../../src/domain/event.ts';
import type { Failure } from '../../src/domain/failure.ts';
import { type ConversationId, conversationId, participantId } from '../../src/domain/ids.ts';
import type { Author, Role } from '../../src/domain/participant.ts';
import { wireEncoder } from '../../src/http/encoder.ts';
import { Meters } from '../../src/observability/meters.ts';
import type { Effect, Store } from '../../storage/store.ts';
import { ControlledStore } from './controlled-store.ts';
import { SimulatedClock, settled } from './simulated-clock.ts';
import { TestOutlet, TestTopics } from './test-outlet.ts';

export const TURN_LIMITS: TurnLimits = {
  deadlineMs: 30_000,
  maxAnswerChars: 2_000,
  deltaMs: 10,
  approvalMs: 60_000,
  debounceMs: 500,
};

const LIMITS: ActorLimits = {
  mailboxCapacity: 8,
  maxParticipants: 6,
  maxQueuedTurns: 4,
  maxLive: 8,
  idleMs: 60_000,
  outboundBytes: 16 * 1024,
  slowConsumerMs: 10_000,
  turns: TURN_LIMITS,
  maxHops: 3,
  maxAgentTurns: 6,
  turnLeaseMs: 20_000,
};

export const ada: Author = person('ada', 'Ada');
export const bob: Author = person('bob', 'Bob');
export const cy: Author = person('cy', 'Cy');

export function person(id: string, name = id): Author {
  return { id: participantId(id), name, kind: 'human' };
}

export const assistant: AgentSettings = {
  id: participantId('assistant'),
  name: 'Assistant',
  speaks: 'always',
  whileBusy: 'enqueue',
};

export interface WorldOptions {
  readonly store?: ControlledStore;
  /** What the actors see of the store: a cache around it, for one. */
  readonly around?: (store: ControlledStore) => Store;
  readonly agent?: Agent;
  readonly agents?: ActorParts['agents'];
  readonly limits?: Partial<ActorLimits>;
  readonly tick?: CommitTick;
  readonly clock?: SimulatedClock;
}

/** A process's actors, with a store, a time and connections that a test holds in its hands. */
export class World {
  readonly store: ControlledStore;
  readonly clock: SimulatedClock;
  readonly meters = new Meters();
  readonly topics = new TestTopics();
  readonly reports: Array<{ readonly event: string; readonly cause: unknown }> = [];
  readonly parts: ActorParts;
  readonly registry: Registry;

  constructor(options: WorldOptions = {}) {
    const { store = new ControlledStore(), clock = new SimulatedClock() } = options;
    this.store = store;
    this.clock = clock;
    this.parts = {
      store: options.around?.(store) ?? store,
      clock,
      tick: options.tick ?? new CommitTick(queueMicrotask, () => 0),
      encoder: wireEncoder,
      publish: this.topics.publish,
      counters: this.meters,
      report: (event, { cause }) => this.reports.push({ event, cause }),
      limits: { ...LIMITS, ...options.limits },
      agent: options.agent,
      agents: options.agents,
      runner: store.isShared ? crypto.randomUUID() : undefined,
    };
    this.registry = new Registry(this.parts);
  }

  /** A new conversation, open, of Ada's. */
  async room(settings: Partial<Settings> = {}, id?: string): Promise<ConversationActor> {
    const made = await found(
      this.registry,
      {
        title: null,
        visibility: 'open',
        agent: null,
        metadata: {},
        ...settings,
        by: ada,
        key: null,
        ...(id === undefined ? {} : { id: conversationId(id) }),
      },
      this.clock.now(),
    );
    if (!made.ok) throw new Error(made.failure.reason);
    return made.value;
  }

  async actor(id: ConversationId): Promise<ConversationActor> {
    const got = await this.registry.get(id);
    if (!got.ok) throw new Error(got.failure.reason);
    return got.value;
  }

  outlet(): TestOutlet {
    return new TestOutlet(this.topics);
  }

  /** Everything the store has of a conversation. */
  async log(id: ConversationId): Promise<readonly LogEvent[]> {
    const read = await this.store.inner.readEvents(id, { afterSeq: 0, limit: 1_000_000 });
    if (!read.ok) throw new Error('the store is closed');
    return read.value;
  }
}

/** Another process writes into the conversation, behind the actor's back. */
export async function foreign(
  world: World,
  actor: ConversationActor,
  { contents, effects = [] }: { contents: string[]; effects?: Effect[] },
): Promise<void> {
  const head = (await world.log(actor.id)).length;
  const events = contents.map((content, at): LogEvent => {
    const body = encodeBody('message', { content });
    return { seq: head + 1 + at, kind: 'message', author: bob, createdAt: 7, key: null, body };
  });
  const batch = { id: actor.id, expectedHead: head, events, effects };
  const written = await world.store.inner.append(batch);
  if (!written.ok) throw new Error(written.failure.reason);
}

/** The contents of the messages in the store. */
export async function messagesOf(world: World, actor: ConversationActor): Promise<unknown[]> {
  const log = await world.log(actor.id);
  return log.filter(({ kind }) => kind === 'message').map(({ body }) => JSON.parse(body).content);
}

export interface Reader {
  readonly outlet: TestOutlet;
  readonly subscription: Subscription;
  /** Why it was let go of. */
  readonly dismissals: Failure[];
}

/** Someone who listens, from `position` or from the head on. */
export function listen(
  actor: ConversationActor,
  {
    who = ada,
    position = actor.conversation.headSeq,
    outlet,
  }: { who?: Author; position?: number; outlet: TestOutlet },
): Reader {
  const dismissals: Failure[] = [];
  const subscription = actor.attach(
    {
      outlet,
      participantId: who.id,
      dismissed: (reason) => {
        dismissals.push(reason);
      },
    },
    position,
  );
  outlet.onDrain = () => actor.audience.drained(subscription);
  actor.audience.catchUp(subscription);
  return { outlet, subscription, dismissals };
}

export function message(
  author: Author,
  content: string,
  more: { key?: string | null; replyTo?: number } = {},
): Unsettled<Draft> {
  const { key = null, replyTo } = more;
  return {
    kind: 'message',
    author,
    key,
    content,
    body: encodeBody('message', {
      content,
      ...(replyTo === undefined ? {} : { reply_to: replyTo }),
    }),
    ...(replyTo === undefined ? {} : { replyTo }),
  };
}

export function joining(who: Author, role: Role = 'member', by: Author = who): Unsettled<Draft> {
  return { kind: 'participant.joined', author: by, key: null, member: { ...who, role } };
}

export function leaving(who: Author, by: Author = who): Unsettled<Draft> {
  return { kind: 'participant.left', author: by, key: null, participantId: who.id };
}

export function edit(author: Author, targetSeq: number, content: string): Unsettled<Draft> {
  const body = encodeBody('message.edited', { target_seq: targetSeq, content });
  return { kind: 'message.edited', author, key: null, targetSeq, body };
}

export function deletion(
  author: Author,
  targetSeq: number,
  key: string | null = null,
): Unsettled<Draft> {
  const body = encodeBody('message.deleted', { target_seq: targetSeq });
  return { kind: 'message.deleted', author, key, targetSeq, body };
}

/** Outcomes of a draft: exactly one is right. */
export interface Watched {
  readonly outcomes: Outcome[];
}

/** Offers a draft and keeps every outcome it is ever given. */
export function offer(actor: ConversationActor, draft: Unsettled<Draft>): Watched {
  const outcomes: Outcome[] = [];
  const settle = (outcome: Outcome) => {
    outcomes.push(outcome);
  };
  const refused = actor.offer({ ...draft, settle } as Draft);
  if (refused !== undefined) settle({ ok: false, failure: refused });
  return { outcomes };
}

/** In one word: `ok 3`, `again 3`, `mailbox_full`, or `-` when nobody answered. */
export function said({ outcomes }: Watched): string {
  return outcomes.length === 0 ? '-' : outcomes.map(wordOf).join(', ');
}

export function wordOf(outcome: Outcome): string {
  if (!outcome.ok) return outcome.failure.reason;
  return `${outcome.value.duplicate ? 'again' : 'ok'} ${outcome.value.seq}`;
}

export { settled };
