import type { Author, LogEvent, StoredMessage } from '../../client/index.ts';

/** A message as it is shown. */
export interface MessageView {
  readonly seq: number;
  readonly from: Author;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly content: string;
  readonly isDeleted: boolean;
  readonly isEdited: boolean;
  readonly replyTo: number | undefined;
  readonly turnId: string | undefined;
  /** The agent was stopped before it was done. */
  readonly isPartial: boolean;
  readonly citations: NonNullable<StoredMessage['citations']>;
}

/**
 * A window on the messages of a conversation: always a run without a hole, at most `MAX_SHOWN` long. Loading at
 * one end lets go at the other.
 */
export interface Timeline {
  /** Oldest first. */
  readonly messages: readonly MessageView[];
  readonly hasOlder: boolean;
  /** The window has been moved off the end: new messages are counted, and loaded when it gets there. */
  readonly hasNewer: boolean;
  /** The seq of the newest message heard of, shown or not. */
  readonly newestSeq: number;
  /** Where the window begins: older messages are those before this seq. */
  readonly startSeq: number;
  /** What happened to messages since we came, for pages that were read before it happened. */
  readonly changes: ReadonlyMap<number, MessageChange>;
}

type MessageChange =
  | { readonly kind: 'edited'; readonly content: string }
  | { readonly kind: 'deleted' };

export const MAX_SHOWN = 300;
export const PAGE = 50;
const MAX_CHANGES = 1_000;

/** Nothing shown yet; what is newer than `headSeq` will come as events. */
export function emptyTimeline(headSeq: number): Timeline {
  return {
    messages: [],
    hasOlder: headSeq > 0,
    hasNewer: false,
    newestSeq: 0,
    startSeq: headSeq + 1,
    changes: new Map(),
  };
}

export function withEvent(timeline: Timeline, event: LogEvent): Timeline {
  switch (event.kind) {
    case 'message':
      return withMessage(timeline, viewOf(event));
    case 'message.edited':
      return event.content === undefined
        ? timeline
        : withChange(timeline, event.target_seq, { kind: 'edited', content: event.content });
    case 'message.deleted':
      return withChange(timeline, event.target_seq, { kind: 'deleted' });
    default:
      return timeline;
  }
}

/** A page of what is before the window; an empty one is the beginning. */
export function withOlder(timeline: Timeline, page: readonly StoredMessage[]): Timeline {
  const older = page.map((item) => changed(viewOf(item), timeline.changes));
  const first = older[0];
  if (first === undefined) return { ...timeline, hasOlder: false };
  const messages = [...older, ...timeline.messages];
  const hasNewer = timeline.hasNewer || messages.length > MAX_SHOWN;
  return {
    ...timeline,
    messages: messages.slice(0, MAX_SHOWN),
    hasNewer,
    startSeq: first.seq,
    newestSeq: Math.max(timeline.newestSeq, messages.at(-1)?.seq ?? 0),
  };
}

/** A page of what is after the window. */
export function withNewer(timeline: Timeline, page: readonly StoredMessage[]): Timeline {
  const last = timeline.messages.at(-1)?.seq ?? 0;
  const newer = page
    .filter(({ seq }) => seq > last)
    .map((item) => changed(viewOf(item), timeline.changes));
  const reached = newer.at(-1)?.seq ?? last;
  // What came while the page was read is not in it, and was not shown either: then there is more to load.
  const hasNewer = reached < timeline.newestSeq;
  return atEnd({ ...timeline, hasNewer }, [...timeline.messages, ...newer]);
}

function withMessage(timeline: Timeline, message: MessageView): Timeline {
  const known = { ...timeline, newestSeq: Math.max(timeline.newestSeq, message.seq) };
  if (timeline.hasNewer) return known;
  return atEnd(known, [...timeline.messages, changed(message, timeline.changes)]);
}

function atEnd(timeline: Timeline, messages: readonly MessageView[]): Timeline {
  const shown = messages.slice(-MAX_SHOWN);
  const isCut = shown.length < messages.length;
  return {
    ...timeline,
    messages: shown,
    hasOlder: timeline.hasOlder || isCut,
    startSeq: isCut ? (shown[0]?.seq ?? timeline.startSeq) : timeline.startSeq,
  };
}

function withChange(timeline: Timeline, seq: number, change: MessageChange): Timeline {
  const changes = new Map(timeline.changes);
  changes.delete(seq);
  changes.set(seq, change);
  const oldest = changes.keys().next();
  if (changes.size > MAX_CHANGES && oldest.done !== true) changes.delete(oldest.value);
  const messages = timeline.messages.map((message) =>
    message.seq === seq ? changed(message, changes) : message,
  );
  return { ...timeline, changes, messages };
}

function changed(message: MessageView, changes: Timeline['changes']): MessageView {
  const change = changes.get(message.seq);
  if (change === undefined || message.isDeleted) return message;
  return change.kind === 'deleted'
    ? { ...message, content: '', isDeleted: true }
    : { ...message, content: change.content, isEdited: true };
}

export function viewOf(message: StoredMessage): MessageView {
  return {
    seq: message.seq,
    from: message.from,
    createdAt: message.created_at,
    content: message.content ?? '',
    isDeleted: message.deleted === true,
    isEdited: message.edited_at !== undefined,
    replyTo: message.reply_to,
    turnId: message.turn_id,
    isPartial: message.partial === true,
    citations: message.citations ?? [],
  };
}
