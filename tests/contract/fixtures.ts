import type { AgentSettings, ConversationState } from '../../src/domain/conversation.ts';
import {
  type EventBodies,
  type EventKind,
  encodeBody,
  type LogEvent,
} from '../../src/domain/event.ts';
import {
  type ConversationId,
  conversationId,
  epoch,
  type ParticipantId,
  participantId,
  turnId,
} from '../../src/domain/ids.ts';
import type { Author, Member, Role } from '../../src/domain/participant.ts';
import type { Result } from '../../src/domain/result.ts';
import type { Turn } from '../../src/domain/turn.ts';
import type { Append, AppendFailure, Effect, Store } from '../../storage/store.ts';

/** Plain values for the tests of stores; nothing here is random. */
export const NOW = 1_770_000_000_123;

export function author(name: string): Author {
  return { id: participantId(`p_${name}`), name, kind: 'human' };
}

export const ann = author('ann');
export const bob = author('bob');

export function member(of: Author, role: Role = 'member'): Member {
  return { ...of, role };
}

export function event<K extends EventKind>(
  seq: number,
  kind: K,
  more: { body: EventBodies[K]; from?: Author; key?: string | null },
): LogEvent {
  const { body, from = ann, key = null } = more;
  return { seq, kind, author: from, createdAt: NOW + seq, key, body: encodeBody(kind, body) };
}

export function message(
  seq: number,
  more: { content?: string; key?: string | null; from?: Author } = {},
) {
  const { content = `message ${seq}`, ...rest } = more;
  return event(seq, 'message', { body: { content }, ...rest });
}

export function edit(seq: number, targetSeq: number, content: string): LogEvent {
  return event(seq, 'message.edited', { body: { target_seq: targetSeq, content } });
}

export function deletion(seq: number, targetSeq: number): LogEvent {
  return event(seq, 'message.deleted', { body: { target_seq: targetSeq } });
}

export function messages(from: number, to: number): LogEvent[] {
  return Array.from({ length: to - from + 1 }, (_, index) => message(from + index));
}

const ASSISTANT: AgentSettings = {
  id: participantId('assistant'),
  name: 'Assistant',
  speaks: 'auto',
  whileBusy: 'enqueue',
};

export interface StateOptions {
  readonly id?: string;
  readonly epoch?: string;
  readonly members?: readonly Member[];
  readonly headSeq?: number;
  /** One with nobody but people. */
  readonly hasNoAgent?: boolean;
}

export function state(options: StateOptions = {}): ConversationState {
  const { id = 'c_one', members = [member(ann, 'owner')], headSeq = 0 } = options;
  return {
    conversation: {
      id: conversationId(id),
      epoch: epoch(options.epoch ?? 'e_first'),
      title: 'A title',
      visibility: 'open',
      agent: options.hasNoAgent === true ? null : ASSISTANT,
      metadata: { colour: 'blue', nested: { list: [1, 'two', null] } },
      createdAt: NOW,
      updatedAt: NOW,
      createdBy: ann.id,
      createdKey: 'made with this',
      headSeq,
      firstSeq: 1,
    },
    members,
  };
}

export function turn(name: string, more: Partial<Turn> = {}): Turn {
  return {
    id: turnId(`t_${name}`),
    conversationId: conversationId('c_one'),
    agentId: participantId('assistant'),
    agentName: 'Assistant',
    triggerSeq: 1,
    state: 'queued',
    attempt: 0,
    createdAt: NOW,
    startedAt: null,
    endedAt: null,
    usage: null,
    error: null,
    messageSeq: null,
    ...more,
  };
}

/** A turn that waits for a decision, with everything in it that a turn may have. */
export function turnWithTools(name: string, more: Partial<Turn> = {}): Turn {
  const call = { name: 'search', args: { q: ['\ud800 \u0000 “x”', null, 1.5] } };
  return turn(name, {
    state: 'awaiting_approval',
    attempt: 2,
    startedAt: NOW + 1,
    steps: [
      {
        text: 'Let me see \ud83d\ude42',
        calls: [
          {
            ...{ callId: 'c1', ...call, needsApproval: true, state: 'done', askedAt: NOW + 2 },
            decision: { by: bob.id, verdict: 'reject', reason: 'No.', at: NOW + 3 },
            outcome: { error: 'rejected', durationMs: 0 },
          },
          {
            ...{ callId: 'c2', ...call, needsApproval: false, forgets: true, state: 'done' },
            outcome: { result: { deep: [[]] }, durationMs: 12 },
          },
        ],
      },
      {
        text: '',
        calls: [{ callId: 'c3', ...call, needsApproval: true, state: 'waiting', askedAt: NOW }],
      },
    ],
    askedBy: [ann.id, bob.id],
    chain: { hops: 1, left: 3 },
    patientAttempts: 1,
    ...more,
  });
}

export const ONE = conversationId('c_one');

/** A new conversation with `events`, its id. */
export async function made(
  store: Store,
  events: readonly LogEvent[] = [],
  options: StateOptions = {},
): Promise<ConversationId> {
  const given = state({ ...options, headSeq: events.length });
  granted(await store.create(given, events));
  return given.conversation.id;
}

export function append(
  store: Store,
  batch: Partial<Append> & { readonly events?: readonly LogEvent[] },
): Promise<Result<void, AppendFailure>> {
  const { id = ONE, events = [], effects = [] } = batch;
  const expectedHead = batch.expectedHead ?? (events[0]?.seq ?? 1) - 1;
  return store.append({ id, expectedHead, events, effects });
}

/** An append that must succeed. */
export async function appended(
  store: Store,
  events: readonly LogEvent[],
  more: { id?: ConversationId; effects?: readonly Effect[]; expectedHead?: number } = {},
): Promise<void> {
  granted(await append(store, { events, ...more }));
}

export function granted<T, F>(result: Result<T, F>): T {
  if (!result.ok) throw new Error('a failure', { cause: result.failure });
  return result.value;
}

export function refusal<T, F>(result: Result<T, F>): F {
  if (result.ok) throw new Error('not a failure', { cause: result.value });
  return result.failure;
}

/** Every event of a conversation, read in pages of `limit`. */
export async function wholeLog(
  store: Store,
  id: ConversationId = ONE,
  limit = 1_000,
): Promise<LogEvent[]> {
  const all: LogEvent[] = [];
  for (;;) {
    const page = granted(await store.readEvents(id, { afterSeq: all.at(-1)?.seq ?? 0, limit }));
    if (page.length === 0) return all;
    all.push(...page);
  }
}

export async function headOf(store: Store, id: ConversationId = ONE): Promise<number | undefined> {
  return granted(await store.load(id))?.conversation.headSeq;
}

export function seqs(events: readonly { readonly seq: number }[]): number[] {
  return events.map(({ seq }) => seq);
}

export function keyOf(store: Store, sender: ParticipantId, key: string) {
  return store.findKey(ONE, sender, key).then(granted);
}
