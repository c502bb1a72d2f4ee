import { describe, expect, it } from 'vitest';
import type { Notice, Origin } from '../../actors/outlet.ts';
import type { Conversation } from '../../src/domain/conversation.ts';
import type { EventKind, LogEvent } from '../../src/domain/event.ts';
import { type Failure, failure, REASONS, statusOf } from '../../src/domain/failure.ts';
import { conversationId, epoch, participantId, turnId } from '../../src/domain/ids.ts';
import { messageOf } from '../../src/domain/message.ts';
import { ROLES } from '../../src/domain/participant.ts';
import { TURN_STATES } from '../../src/domain/turn.ts';
import { wireEncoder } from '../../src/http/encoder.ts';
import {
  errorFrame,
  eventFrame,
  problem,
  wireConversation,
  wireMessage,
  wireTime,
} from '../../src/protocol/encode.ts';
import { SERVER_FRAMES } from '../../src/protocol/server-frames.ts';
import { fc, runs } from '../support/properties.ts';

/** Any text: controls, quotes, lone surrogates, bidi marks, line separators, markup. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        ...[
          '"',
          '\\',
          '\u0000',
          '\u2028',
          '\ud800',
          '\udc00',
          '🙂',
          '\u202e',
          '</script>',
          '","x":"',
        ],
      ),
    )
    .map((parts) => parts.join('')),
);
const id = fc.stringMatching(/^[A-Za-z0-9._~:-]{1,128}$/);
const participant = id.map(participantId);
const seq = fc.integer({ min: 1 });
const time = fc.integer({ min: 0, max: Date.parse('9999-12-31T23:59:59.999Z') });
const usage = fc.record({ input_tokens: fc.nat(), output_tokens: fc.nat() });
const json = fc.jsonValue({ stringUnit: 'binary' });
const metadata = fc.dictionary(
  hostile.filter((key) => key !== '__proto__'),
  json,
);
const author = fc.record({
  id: participant,
  name: hostile,
  kind: fc.constantFrom('human' as const, 'agent' as const),
});
const member = author.chain((who) => fc.constantFrom(...ROLES).map((role) => ({ ...who, role })));
const citation = fc.record({
  document_id: hostile,
  chunk_id: hostile,
  title: hostile,
  score: fc.double({ noNaN: true, noDefaultInfinity: true }),
});

const call = fc.record(
  {
    callId: hostile,
    name: hostile,
    args: json,
    needsApproval: fc.boolean(),
    state: fc.constantFrom('waiting' as const, 'running' as const, 'done' as const),
    decision: fc.record(
      {
        by: participant,
        verdict: fc.constantFrom('approve' as const, 'reject' as const),
        reason: hostile,
        at: time,
      },
      { requiredKeys: ['by', 'verdict', 'at'] },
    ),
    outcome: fc.record(
      { result: json, error: hostile, durationMs: fc.nat() },
      { requiredKeys: ['durationMs'] },
    ),
  },
  { requiredKeys: ['callId', 'name', 'args', 'needsApproval', 'state'] },
);

const BODIES: Readonly<Record<EventKind, fc.Arbitrary<object>>> = {
  message: fc.record(
    {
      content: hostile,
      reply_to: seq,
      turn_id: id,
      usage,
      citations: fc.array(citation, { maxLength: 3 }),
      metadata,
      deleted: fc.constant(true),
      partial: fc.constant(true),
    },
    { requiredKeys: [] },
  ),
  'message.edited': fc.record(
    { target_seq: seq, content: hostile, deleted: fc.constant(true) },
    { requiredKeys: ['target_seq'] },
  ),
  'message.deleted': fc.record({ target_seq: seq }),
  'participant.joined': fc.record({ participant: member }),
  'participant.left': fc.record({ participant: member }),
  'participant.role_changed': fc.record({
    participant_id: participant,
    role: fc.constantFrom(...ROLES),
  }),
  'conversation.updated': fc.record({ changes: metadata }),
  'turn.decided': fc.record(
    {
      turn_id: id,
      call_id: hostile,
      decision: fc.constantFrom('approve' as const, 'reject' as const),
      reason: hostile,
    },
    { requiredKeys: ['turn_id', 'call_id', 'decision'] },
  ),
};

const event: fc.Arbitrary<LogEvent> = fc
  .constantFrom(...(Object.keys(BODIES) as EventKind[]))
  .chain((kind) =>
    fc.record({
      seq,
      kind: fc.constant(kind),
      author,
      createdAt: time,
      key: kind.startsWith('message') ? fc.option(id) : fc.constant(null),
      body: BODIES[kind].map((body) => JSON.stringify(body)),
    }),
  );

const origin: fc.Arbitrary<Origin> = fc.record({
  id: id.map(conversationId),
  epoch: id.map(epoch),
});

const agent = fc.record({ id: participant, name: hostile });
const about = { turnId: id.map(turnId), attempt: fc.nat() };

const NOTICES: { readonly [K in Notice['kind']]: fc.Arbitrary<object> } = {
  live: fc.record({ headSeq: fc.nat() }),
  presence: fc.record({ participantId: participant, online: fc.boolean() }),
  typing: fc.record({ participantId: participant, active: fc.boolean() }),
  read: fc.record({ participantId: participant, seq }),
  'turn.started': fc.record({ ...about, agent, triggerSeq: seq }),
  'turn.delta': fc.record({ ...about, index: fc.nat(), text: hostile }),
  'turn.tool_call': fc.record({
    turnId: about.turnId,
    callId: hostile,
    name: hostile,
    args: json,
    needsApproval: fc.boolean(),
  }),
  'turn.tool_result': fc.record(
    {
      turnId: about.turnId,
      callId: hostile,
      name: hostile,
      durationMs: fc.nat(),
      result: json,
      error: hostile,
    },
    { requiredKeys: ['turnId', 'callId', 'name', 'durationMs'] },
  ),
  'turn.snapshot': fc.record({
    ...about,
    agent,
    triggerSeq: seq,
    state: fc.constantFrom(...TURN_STATES),
    text: hostile,
    nextIndex: fc.nat(),
    calls: fc.array(call, { maxLength: 3 }),
  }),
  'turn.ended': fc.record({
    ...about,
    state: fc.constantFrom('completed', 'cancelled', 'superseded', 'failed'),
    seq: fc.option(seq),
    usage: fc.option(usage),
    error: fc.option(fc.record({ code: fc.nat(), reason: hostile, message: hostile })),
  }),
};

describe('the event frame', () => {
  it('is a frame of the contract, whatever is in it, and says exactly what the log has', () => {
    fc.assert(
      fc.property(origin, event, fc.boolean(), (of, one, withKey) => {
        const text = eventFrame(of, one, withKey);
        const frame = JSON.parse(text) as Record<string, unknown>;
        expect(SERVER_FRAMES.event.parse(frame)).toEqual(frame);
        const body = JSON.parse(one.body) as Record<string, unknown>;
        expect(frame).toEqual({
          ...body,
          type: 'event',
          conversation_id: of.id,
          seq: one.seq,
          kind: one.kind,
          event_id: `${of.epoch}.${one.seq}`,
          from: JSON.parse(JSON.stringify(one.author)),
          created_at: new Date(one.createdAt).toISOString(),
          ...(withKey && one.key !== null ? { key: one.key } : {}),
        });
        expect(new Set(text.match(/^\{"type":"event","conversation_id":/g))).toHaveLength(1);
      }),
      { numRuns: runs(1_000) },
    );
  });

  it('is whole with an empty body, too', () => {
    const of = { id: conversationId('c'), epoch: epoch('e') };
    const who = { id: participantId('p'), name: 'P', kind: 'human' as const };
    const one: LogEvent = {
      seq: 1,
      kind: 'message',
      author: who,
      createdAt: 0,
      key: null,
      body: '{}',
    };
    expect(JSON.parse(eventFrame(of, one))).toMatchObject({ seq: 1, kind: 'message' });
  });

  it('names who spoke as they were called then', () => {
    const of = { id: conversationId('c'), epoch: epoch('e') };
    const said = (name: string): LogEvent => ({
      seq: 1,
      kind: 'message',
      author: { id: participantId('p'), name, kind: 'human' },
      createdAt: 0,
      key: null,
      body: '{}',
    });
    expect(eventFrame(of, said('before'))).toContain('"name":"before"');
    expect(eventFrame(of, said('after'))).toContain('"name":"after"');
  });
});

describe('a notice', () => {
  it.each(Object.entries(NOTICES))(
    '%s is a frame of the contract, whatever is in it',
    (kind, fields) => {
      const schema = SERVER_FRAMES[kind as Notice['kind']];
      fc.assert(
        fc.property(origin, fields, (of, given) => {
          const text = wireEncoder.notice(of, { kind, ...given } as Notice);
          const frame = JSON.parse(text) as Record<string, unknown>;
          expect(schema.parse(frame)).toEqual(frame);
          expect(frame).toMatchObject({ type: kind, conversation_id: of.id });
        }),
      );
    },
  );
});

describe('a failure', () => {
  const wait = fc.option(fc.nat(), { nil: undefined });
  const any: fc.Arbitrary<Failure> = fc
    .tuple(fc.constantFrom(...REASONS), hostile, wait)
    .map(([reason, message, retryAfterMs]) =>
      failure(reason, {
        message,
        cause: new Error('secret'),
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      }),
    );

  it('is an error frame of the contract, and tells nothing of its cause', () => {
    fc.assert(
      fc.property(any, fc.option(id, { nil: undefined }), (reason, about) => {
        const text = errorFrame(reason, { id: about, conversationId: about });
        const frame = JSON.parse(text) as Record<string, unknown>;
        expect(SERVER_FRAMES.error.parse(frame)).toEqual(frame);
        expect(frame).toMatchObject({ code: statusOf(reason.reason), reason: reason.reason });
        expect(text).not.toContain('secret');
      }),
    );
  });

  it('is a problem with a retry_after_ms wherever the same request may be sent again after a while', () => {
    for (const reason of REASONS) {
      const body = problem(failure(reason), 'x');
      const waits = [429, 503].includes(body.status);
      expect([reason, body.retry_after_ms !== undefined]).toEqual([reason, waits]);
      expect(body).toMatchObject({ reason, correlation_id: 'x', status: statusOf(reason) });
    }
  });
});

describe('a time', () => {
  it('is RFC 3339 UTC with milliseconds, also when the one before was another', () => {
    fc.assert(
      fc.property(fc.array(time, { minLength: 1 }), (times) => {
        for (const ms of times) {
          expect(wireTime(ms)).toBe(new Date(ms).toISOString());
          expect(wireTime(ms)).toBe(new Date(ms).toISOString());
        }
      }),
    );
  });
});

describe('a message over REST', () => {
  const of = { id: conversationId('c'), epoch: epoch('e') };
  const author = { id: participantId('p'), name: 'P', kind: 'human' as const };
  const event: LogEvent = {
    ...{ seq: 3, kind: 'message', author, createdAt: 0, key: 'k' },
    body: '{"content":"first"}',
  };
  const edit: LogEvent = {
    ...{ seq: 5, kind: 'message.edited', author, createdAt: 1_000, key: null },
    body: '{"target_seq":3,"content":"second"}',
  };

  it('has the newest content and the time of that, and the key for its sender only', () => {
    expect(wireMessage(of, messageOf(event, edit), 'p')).toMatchObject({
      seq: 3,
      content: 'second',
      key: 'k',
      created_at: '1970-01-01T00:00:00.000Z',
      edited_at: '1970-01-01T00:00:01.000Z',
    });
    const others = wireMessage(of, messageOf(event, undefined), 'other');
    expect(others).not.toHaveProperty('key');
    expect(others).not.toHaveProperty('edited_at');
  });

  it('has no content and no edit once it is deleted', () => {
    const deleted = wireMessage(of, messageOf({ ...event, body: '{"deleted":true}' }, edit), 'p');
    expect(deleted).toMatchObject({ deleted: true });
    expect(deleted).not.toHaveProperty('content');
    expect(deleted).not.toHaveProperty('edited_at');
  });
});

describe('a conversation', () => {
  it('is told by the names of the contract', () => {
    const conversation: Conversation = {
      id: conversationId('c'),
      epoch: epoch('e'),
      title: 'T',
      visibility: 'invite',
      agent: {
        ...{ id: participantId('a'), name: 'A', speaks: 'auto', whileBusy: 'enqueue' },
      } as Conversation['agent'],
      metadata: { a: 1 },
      createdAt: 0,
      updatedAt: 1,
      createdBy: participantId('p'),
      createdKey: 'secret',
      headSeq: 2,
      firstSeq: 1,
    };
    expect(wireConversation(conversation)).toEqual({
      conversation_id: 'c',
      epoch: 'e',
      title: 'T',
      visibility: 'invite',
      agent: { id: 'a', name: 'A', speaks: 'auto', while_busy: 'enqueue' },
      head_seq: 2,
      first_seq: 1,
      created_at: '1970-01-01T00:00:00.000Z',
      updated_at: '1970-01-01T00:00:00.001Z',
      metadata: { a: 1 },
    });
    expect(wireConversation({ ...conversation, agent: null }).agent).toBeNull();
  });
});
