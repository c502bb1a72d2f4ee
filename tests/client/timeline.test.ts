import { expect, test } from 'vitest';
import type { LogEvent, StoredMessage } from '../../src/client/index.ts';
import type { Timeline } from '../../src/web/model/timeline.ts';
import {
  emptyTimeline,
  MAX_SHOWN,
  withEvent,
  withNewer,
  withOlder,
} from '../../src/web/model/timeline.ts';
import { BEN, ROOM } from './scripted-server.ts';

const base = {
  conversation_id: ROOM,
  from: BEN,
  created_at: '2026-01-01T00:00:00.000Z',
} as const;

function stored(seq: number): StoredMessage {
  return { ...base, seq, kind: 'message', event_id: `e.${seq}`, content: `message ${seq}` };
}

function page(from: number, to: number): StoredMessage[] {
  return Array.from({ length: to - from + 1 }, (_, n) => stored(from + n));
}

function said(seq: number): LogEvent {
  return { type: 'event', ...stored(seq) };
}

function edited(seq: number, target_seq: number, content: string): LogEvent {
  return {
    type: 'event',
    ...base,
    seq,
    kind: 'message.edited',
    event_id: 'e',
    target_seq,
    content,
  };
}

function deleted(seq: number, target_seq: number): LogEvent {
  return { type: 'event', ...base, seq, kind: 'message.deleted', event_id: 'e', target_seq };
}

const seqs = ({ messages }: Timeline) => messages.map(({ seq }) => seq);
const from = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, n) => first + n);

test('begins at the head; older pages come before, new events after', () => {
  let timeline = emptyTimeline(10);
  expect(timeline).toMatchObject({ hasOlder: true, startSeq: 11 });
  timeline = withEvent(timeline, said(11));
  timeline = withOlder(timeline, page(6, 10));
  timeline = withEvent(timeline, said(12));
  expect(seqs(timeline)).toEqual(from(6, 12));
  expect(timeline.startSeq).toBe(6);
});

test('an empty page is the beginning', () => {
  expect(withOlder(emptyTimeline(1), [])).toMatchObject({ hasOlder: false });
  expect(emptyTimeline(0).hasOlder).toBe(false);
});

test('an edit or a deletion counts for pages that were read before it, and after', () => {
  let timeline = withEvent(emptyTimeline(3), edited(4, 2, 'better'));
  timeline = withEvent(timeline, deleted(5, 3));
  timeline = withOlder(timeline, page(1, 3));
  expect(timeline.messages.map(({ content }) => content)).toEqual(['message 1', 'better', '']);
  expect(timeline.messages[1]?.isEdited).toBe(true);
  expect(timeline.messages[2]?.isDeleted).toBe(true);
  timeline = withEvent(timeline, edited(6, 1, 'best'));
  expect(timeline.messages[0]?.content).toBe('best');
});

test('at the end, what is too much goes at the beginning', () => {
  let timeline = emptyTimeline(0);
  for (const seq of from(1, MAX_SHOWN + 5)) timeline = withEvent(timeline, said(seq));
  expect(seqs(timeline)).toEqual(from(6, MAX_SHOWN + 5));
  expect(timeline).toMatchObject({ hasOlder: true, startSeq: 6 });
});

test('reading back, what is too much goes at the end, and comes again without a hole', () => {
  let timeline = withOlder(emptyTimeline(400), page(201, 400));
  timeline = withOlder(timeline, page(1, 200));
  expect(seqs(timeline)).toEqual(from(1, MAX_SHOWN));
  expect(timeline.hasNewer).toBe(true);
  // Not shown: it would stand next to a message that it does not follow.
  timeline = withEvent(timeline, said(401));
  expect(seqs(timeline)).toEqual(from(1, MAX_SHOWN));
  timeline = withNewer(timeline, page(301, 350));
  expect(seqs(timeline)).toEqual(from(51, 350));
  expect(timeline.hasNewer).toBe(true);
  // 402 comes while the page up to 401 is read.
  timeline = withEvent(timeline, said(402));
  timeline = withNewer(timeline, page(351, 401));
  expect(timeline.hasNewer).toBe(true);
  timeline = withNewer(timeline, page(402, 402));
  expect(timeline.hasNewer).toBe(false);
  timeline = withEvent(timeline, said(403));
  expect(seqs(timeline)).toEqual(from(104, 403));
});
