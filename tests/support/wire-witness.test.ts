import { describe, expect, it } from 'vitest';
import { WireWitness } from './wire-witness.ts';

/** A checker that never complains would make every wire test pass: each complaint is tried here. */

const room = { conversation_id: 'room' };
const ada = { id: 'ada', name: 'Ada', kind: 'human' };
const created_at = '2026-01-02T03:04:05.678Z';
const turn = { ...room, turn_id: 't', attempt: 1 };
const agent = { id: 'assistant', name: 'Assistant' };

const welcome = {
  type: 'welcome',
  session_id: 's',
  participant: ada,
  limits: {
    max_frame_bytes: 1,
    max_message_chars: 1,
    mailbox_capacity: 1,
    max_conversations_per_connection: 1,
  },
  heartbeat_ms: 1,
  server: { name: 'colloquy', version: '0' },
};
const joined = (id: string, head: number) => ({
  type: 'joined',
  id,
  ...room,
  epoch: 'e',
  head_seq: head,
  first_seq: 1,
  role: 'member',
  participants: [],
  turns: [],
});
const message = (seq: number, more: Record<string, unknown> = {}) => ({
  type: 'event',
  ...room,
  seq,
  kind: 'message',
  event_id: `e${seq}`,
  from: ada,
  created_at,
  content: 'text',
  ...more,
});
const live = (head: number) => ({ type: 'live', ...room, head_seq: head });
const started = { type: 'turn.started', ...turn, agent, trigger_seq: 1 };
const delta = (index: number, text = 'a') => ({ type: 'turn.delta', ...turn, index, text });
const ended = { type: 'turn.ended', ...turn, state: 'completed', seq: 3 };
const answer = (content: string) => message(3, { turn_id: 't', content });

/** What the witness says of these frames, after a join from 0 and two events. */
function verdict(...frames: unknown[]): readonly string[] {
  const witness = new WireWitness();
  witness.asks({ type: 'join', id: 'j', ...room, after_seq: 0 });
  const before = [welcome, joined('j', 2), message(1), message(2), live(2)];
  for (const frame of [...before, ...frames]) witness.sees(JSON.stringify(frame));
  return witness.violations;
}

describe('the witness', () => {
  it('has nothing to say of a good session', () => {
    expect(
      verdict(started, delta(0), delta(1), answer('aa'), ended, message(4), {
        type: 'left',
        id: 'l',
        ...room,
      }),
    ).toEqual([]);
  });

  it.each<[string, unknown[], RegExp]>([
    ['a gap', [message(4)], /event 4 .* where 3 was due/],
    ['a repeated event', [message(2)], /event 2 .* where 3 was due/],
    ['an event after left', [{ type: 'left', id: 'l', ...room }, message(3)], /not attached/],
    ['an event elsewhere', [{ ...message(1), conversation_id: 'other' }], /not attached/],
    ['a second live', [live(2)], /live twice/],
    ['live before the replay is over', [joined('j2', 5), live(6)], /before event 6/],
    ['another’s key', [message(3, { key: 'k', from: { ...ada, id: 'bob' } })], /key of bob/],
    ['a field of no schema', [message(3, { secret: 1 })], /field of no schema/],
    ['a wrong shape', [{ ...message(3), seq: '3' }], /not a event/],
    ['an unknown frame', [{ type: 'invented' }], /unknown frame/],
    [
      'a status that is not its reason’s',
      [{ type: 'error', code: 400, reason: 'forbidden', message: 'm', retryable: false }],
      /forbidden is 403/,
    ],
    [
      'a 429 without a time',
      [{ type: 'error', code: 429, reason: 'mailbox_full', message: 'm', retryable: true }],
      /without retry_after_ms/,
    ],
    ['a delta of no turn', [delta(0)], /never started/],
    ['a gap of deltas', [started, delta(1)], /delta 1 .* where 0 was due/],
    ['a delta after the end', [started, answer(''), ended, delta(0)], /after turn.ended/],
    ['a second end', [started, answer(''), ended, ended], /after turn.ended/],
    ['an end before its event', [started, ended], /before its event 3/],
    ['deltas that are not the message', [started, delta(0), answer('b'), ended], /are not its/],
    [
      'an older attempt',
      [started, { ...started, attempt: 2 }, delta(0)],
      /of room\/t\/1 after attempt 2/,
    ],
  ])('sees %s', (_, frames, complaint) => {
    expect(verdict(...frames).join('\n')).toMatch(complaint);
  });

  it('sees a request answered twice', () => {
    const witness = new WireWitness();
    witness.asks({ type: 'ping', id: 'p' });
    const pong = JSON.stringify({ type: 'pong', id: 'p', time: created_at });
    witness.sees(pong);
    expect(witness.violations).toEqual([]);
    witness.sees(pong);
    expect(witness.violations).toEqual(['a second answer to p: pong']);
  });

  it('sees a close of the server’s own that nothing announced', () => {
    const witness = new WireWitness();
    witness.closes(1006, undefined);
    witness.closes(4001, { type: 'bye', reason: 'draining' });
    expect(witness.violations).toEqual([]);
    witness.closes(4002, undefined);
    expect(witness.violations).toEqual(['closed with 4002 without a bye']);
  });

  it('takes up deltas from a snapshot', () => {
    const snapshot = {
      ...started,
      type: 'turn.snapshot',
      state: 'streaming',
      text: 'abc',
      next_index: 7,
      tool_calls: [],
    };
    expect(verdict(started, snapshot, delta(7, 'd'), answer('abcd'), ended)).toEqual([]);
    expect(verdict(started, snapshot, delta(6, 'd'))).toHaveLength(1);
  });
});
