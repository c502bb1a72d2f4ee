import type { ConversationState } from '../domain/conversation.ts';
import type { Chunk, Document } from '../domain/document.ts';
import type { LogEvent } from '../domain/event.ts';
import type { Turn, TurnCall, TurnStep } from '../domain/turn.ts';
import { COUNTED, type Counts, type Line, type LineOf } from './format.ts';

/** The lines of an export: each field in its place, whatever order the store has them in. */

const AGENT_FIELDS = ['id', 'name', 'speaks', 'whileBusy'] as const;

export function conversationLine({ conversation, members }: ConversationState): string {
  const { id, epoch, title, visibility, agent, agents, metadata } = conversation;
  const { createdAt, updatedAt } = conversation;
  const { createdBy, createdKey, firstSeq, headSeq } = conversation;
  return encode({
    type: 'conversation',
    id,
    epoch,
    title,
    visibility,
    agent: agent && inOrder(agent, AGENT_FIELDS),
    ...(agents && { agents: agents.map((one) => inOrder(one, AGENT_FIELDS)) }),
    metadata,
    createdAt,
    updatedAt,
    createdBy,
    createdKey,
    firstSeq,
    headSeq,
    members: members.map((member) => inOrder(member, ['id', 'name', 'kind', 'role'])),
  });
}

/** The body is JSON already, and made by `JSON.stringify`: parsed and made again it is the same text. */
export function eventLine({ seq, kind, author, createdAt, key, body }: LogEvent): string {
  const { id, name, kind: authorKind } = author;
  const head = encode({
    type: 'event',
    seq,
    kind,
    author: { id, name, kind: authorKind },
    createdAt,
    key,
  });
  return `${head.slice(0, -1)},"body":${body}}`;
}

export function turnLine(turn: Turn): string {
  const { usage, error, steps, askedBy, chain, patientAttempts } = turn;
  return encode({
    type: 'turn',
    id: turn.id,
    conversationId: turn.conversationId,
    agentId: turn.agentId,
    agentName: turn.agentName,
    triggerSeq: turn.triggerSeq,
    state: turn.state,
    attempt: turn.attempt,
    createdAt: turn.createdAt,
    startedAt: turn.startedAt,
    endedAt: turn.endedAt,
    usage: usage && present(usage, ['input_tokens', 'output_tokens', 'cost', 'estimated']),
    error: error && present(error, ['code', 'reason', 'message', 'retry_after_ms']),
    messageSeq: turn.messageSeq,
    ...(steps === undefined ? {} : { steps: steps.map(stepInOrder) }),
    ...(askedBy === undefined ? {} : { askedBy: [...askedBy] }),
    ...(chain === undefined ? {} : { chain: inOrder(chain, ['hops', 'left']) }),
    ...(patientAttempts === undefined ? {} : { patientAttempts }),
  });
}

function stepInOrder({ text, calls }: TurnStep): NonNullable<LineOf<'turn'>['steps']>[number] {
  return { text, calls: calls.map(callInOrder) };
}

function callInOrder(call: TurnCall) {
  const { decision, outcome } = call;
  return {
    ...present(call, ['callId', 'name', 'args', 'needsApproval', 'forgets', 'state', 'askedAt']),
    ...(decision && { decision: present(decision, ['by', 'verdict', 'reason', 'at']) }),
    ...(outcome && { outcome: present(outcome, ['result', 'error', 'durationMs']) }),
  };
}

export function documentLine(document: Document): string {
  return encode({
    type: 'document',
    id: document.id,
    owner: document.owner,
    conversations: [...document.conversations],
    title: document.title,
    mediaType: document.mediaType,
    metadata: document.metadata,
    chars: document.chars,
    chunkCount: document.chunkCount,
    createdAt: document.createdAt,
    createdKey: document.createdKey,
    digest: document.digest,
  });
}

export function chunkLine({ index, start, end, text }: Chunk): string {
  return encode({ type: 'chunk', index, start, end, text });
}

export function endLine(counts: Counts): string {
  return encode({ type: 'end', ...inOrder(counts, COUNTED) });
}

/** Typed, so that a field that the domain gains is missed here. */
function encode<T extends Line['type']>(
  line: { readonly type: T } & Omit<LineOf<T>, 'body' | 'type'>,
): string {
  return JSON.stringify(line);
}

/** As `inOrder`, without the fields that are not there. */
function present<T extends object, K extends keyof T>(value: T, keys: readonly K[]): Pick<T, K> {
  return inOrder(
    value,
    keys.filter((key) => value[key] !== undefined),
  );
}

function inOrder<T extends object, K extends keyof T>(value: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, value[key]])) as Pick<T, K>;
}
