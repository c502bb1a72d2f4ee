import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Room } from '../model/room.ts';
import type { MessageView } from '../model/timeline.ts';
import { useScroll } from '../use-scroll.ts';
import { dayOf, isSameDay, listOf } from '../words.ts';
import { DraftRow } from './draft-row.tsx';
import { DownIcon } from './icons.tsx';
import type { MessageDeeds } from './message-row.tsx';
import { MessageRow } from './message-row.tsx';
import { moveFocus } from './move-focus.ts';
import { TurnRow } from './turn-row.tsx';

interface MessageListProps {
  readonly room: Room;
  readonly onReply: (message: MessageView) => void;
  readonly onEdit: (message: MessageView) => void;
}

/** Messages of one author within this time stand together. */
const TOGETHER_MS = 5 * 60_000;

/** The conversation: what was said, what is being answered, and what is on its way. */
export function MessageList({ room, onReply, onEdit }: MessageListProps) {
  const { conversation, timeline } = room;
  const messages = timeline?.messages ?? [];
  const last = messages.at(-1);
  const onNearStart = useCallback(() => void (room.hasLoadFailed || room.loadOlder()), [room]);
  const onNearEnd = useCallback(() => void (room.hasLoadFailed || room.loadNewer()), [room]);
  const { scroller, isAtEnd, onScroll, toEnd } = useScroll({
    rowAttribute: 'data-seq',
    onNearStart,
    onNearEnd,
  });
  const [chosen, setChosen] = useState<number>();
  const active = messages.some(({ seq }) => seq === chosen) ? chosen : last?.seq;
  const deeds = useDeeds(room, { onReply, onEdit });
  const unseen = useUnseen(room, isAtEnd && timeline?.hasNewer !== true);

  // What one says oneself is to be seen, wherever one was reading.
  const ownCount = conversation.drafts.filter(({ change }) => change.kind === 'send').length;
  const lastOwnCount = useRef(ownCount);
  useEffect(() => {
    if (ownCount > lastOwnCount.current) void room.showNewest().then(toEnd);
    lastOwnCount.current = ownCount;
  }, [ownCount, room, toEnd]);

  const showEnd = () => {
    void room.showNewest().then(toEnd);
    toEnd();
  };

  return (
    <div class="messages">
      {/* Lines for screen readers are in the announcer: a list that loads older pages would read them all out. */}
      <div
        ref={scroller}
        class="scroller"
        role="log"
        aria-live="off"
        aria-label="Messages"
        onScroll={onScroll}
      >
        <ListStart room={room} />
        <ol
          class="rows"
          onKeyDown={moveFocus}
          onFocusIn={(event) => {
            const row = (event.target as Element).closest('[data-seq]');
            if (row !== null) setChosen(Number(row.getAttribute('data-seq')));
          }}
        >
          {messages.flatMap((message, index) => {
            const before = messages[index - 1];
            const row = (
              <MessageRow
                key={message.seq}
                message={message}
                isOwn={message.from.id === room.me}
                isFirst={before === undefined || !standTogether(before, message)}
                isActive={message.seq === active}
                isAnswerToLast={message.replyTo === before?.seq}
                mayDelete={message.from.id === room.me || conversation.role === 'owner'}
                isOnline={room.client.state.kind === 'online'}
                quoted={message.replyTo === undefined ? undefined : room.quoted(message.replyTo)}
                draft={room.draftOf(message.seq)}
                seenBy={listOf(message.from.id === room.me ? room.readersAt(message.seq) : [])}
                deeds={deeds}
              />
            );
            const isNewDay =
              before === undefined || !isSameDay(before.createdAt, message.createdAt);
            return isNewDay
              ? [<Day key={`day ${message.seq}`} at={message.createdAt} />, row]
              : row;
          })}
          {timeline?.hasNewer !== true && (
            <>
              {room.shownTurns.map((turn) => (
                <TurnRow
                  key={turn.turnId}
                  turn={turn}
                  mayDecide={conversation.role !== undefined && conversation.role !== 'observer'}
                  deeds={{
                    decide: (callId, verdict) => void room.decide(turn.turnId, callId, verdict),
                    nameOf: (participantId) => room.nameOf(participantId),
                  }}
                  onCancel={(id) => void room.cancel(id)}
                />
              ))}
              {conversation.drafts.map((draft) => (
                <DraftRow
                  key={draft.key}
                  draft={draft}
                  isOnline={room.client.state.kind === 'online'}
                  onRetry={deeds.retry}
                  onDiscard={deeds.discard}
                />
              ))}
            </>
          )}
        </ol>
      </div>
      {(!isAtEnd || timeline?.hasNewer === true) && (
        <button type="button" class="to-end" onClick={showEnd}>
          <DownIcon />
          {unseen === 0 ? 'Newest' : `${unseen} new`}
        </button>
      )}
    </div>
  );
}

function ListStart({ room }: { room: Room }) {
  const { timeline } = room;
  if (room.hasLoadFailed) {
    return (
      <p class="list-start">
        Older messages could not be loaded.{' '}
        <button type="button" class="button-quiet" onClick={() => void room.loadOlder()}>
          Try again
        </button>
      </p>
    );
  }
  if (timeline === undefined || timeline.hasOlder) return <p class="list-start">Loading…</p>;
  if (timeline.messages.length > 0 || room.conversation.drafts.length > 0) {
    return <p class="list-start">The beginning of the conversation</p>;
  }
  return (
    <div class="empty">
      <p class="empty-title">Nobody has said anything yet.</p>
      <p>Share the link to bring others in, and write the first message.</p>
    </div>
  );
}

function Day({ at }: { at: string }) {
  return (
    <li class="day">
      <time dateTime={at.slice(0, 10)}>{dayOf(at)}</time>
    </li>
  );
}

function standTogether(a: MessageView, b: MessageView): boolean {
  const apartMs = Date.parse(b.createdAt) - Date.parse(a.createdAt);
  return a.from.id === b.from.id && apartMs < TOGETHER_MS && isSameDay(a.createdAt, b.createdAt);
}

interface ListDeeds {
  readonly onReply: (message: MessageView) => void;
  readonly onEdit: (message: MessageView) => void;
}

function useDeeds(room: Room, { onReply, onEdit }: ListDeeds): MessageDeeds {
  return useMemo(
    () => ({
      reply: onReply,
      edit: onEdit,
      remove: ({ seq }) => room.remove(seq),
      show: (seq) => document.querySelector<HTMLElement>(`[data-seq="${seq}"]`)?.focus(),
      retry: (key) => room.conversation.retry(key),
      discard: (key) => room.conversation.discard(key),
    }),
    [room, onReply, onEdit],
  );
}

/** Messages of others that came while the end was out of sight. Reading to the end says so to them. */
function useUnseen(room: Room, isEndSeen: boolean): number {
  const [seenSeq, setSeenSeq] = useState<number>();
  const newest = room.timeline?.newestSeq ?? 0;
  const isVisible = document.visibilityState === 'visible';
  useEffect(() => {
    if (!isEndSeen || !isVisible || newest === 0) return;
    setSeenSeq(newest);
    room.conversation.setRead(newest);
  }, [room, isEndSeen, isVisible, newest]);
  const messages = room.timeline?.messages ?? [];
  return messages.filter(
    ({ seq, from }) => seenSeq !== undefined && seq > seenSeq && from.id !== room.me,
  ).length;
}
