import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Room } from '../model/room.ts';
import type { MessageView } from '../model/timeline.ts';
import { linkTo } from '../route.ts';
import { useChanges } from '../use-changes.ts';
import { listOf } from '../words.ts';
import { Announcer } from './announcer.tsx';
import type { Purpose } from './composer.tsx';
import { Composer } from './composer.tsx';
import { ConnectionBanner } from './connection-banner.tsx';
import { MessageList } from './message-list.tsx';
import { inOrder, People } from './people.tsx';
import { RoomHeader } from './room-header.tsx';
import { TypingLine } from './typing-line.tsx';
import { useDocumentTitle } from './use-document-title.ts';
import { useUnsentWarning } from './use-unsent-warning.ts';

const SAY: Purpose = { kind: 'say' };
const MAX_CHARS = 10_000;
const MAX_TITLE_NAMES = 4;

/** One conversation, all of it. */
export function RoomPage({ room }: { room: Room }) {
  useChanges(useCallback((listener) => room.subscribe(listener), [room]));
  const [purpose, setPurpose] = useState<Purpose>(SAY);
  const field = useRef<HTMLTextAreaElement>(null);
  const { conversation, client } = room;
  const participants = useMemo(
    () => inOrder(conversation.participants.values()),
    [conversation.participants],
  );
  const title = titleOf(room);
  useDocumentTitle(room, title);
  useUnsentWarning(room);
  useEffect(() => field.current?.focus(), [room]);

  const onReply = useCallback((to: MessageView) => setPurpose({ kind: 'reply', to }), []);
  const onEdit = useCallback((message: MessageView) => setPurpose({ kind: 'edit', message }), []);
  const endPurpose = () => {
    setPurpose(SAY);
    if (purpose.kind === 'say') return;
    const { seq } = purpose.kind === 'reply' ? purpose.to : purpose.message;
    document.querySelector<HTMLElement>(`[data-seq="${seq}"]`)?.focus();
  };
  const submit = (text: string) => {
    if (purpose.kind === 'edit') room.edit(purpose.message, text);
    else room.say(text, purpose.kind === 'reply' ? purpose.to.seq : undefined);
    setPurpose(SAY);
  };
  const editLast = () => {
    const last = room.timeline?.messages.findLast(
      ({ from, isDeleted }) => from.id === room.me && !isDeleted,
    );
    if (last !== undefined) onEdit(last);
  };

  return (
    <div class="room">
      <RoomHeader
        title={title}
        link={linkTo(conversation.id)}
        participants={participants}
        me={room.me}
      />
      <main class="main">
        <ConnectionBanner
          state={client.state}
          conversation={conversation}
          onRetry={() => client.reconnect()}
        />
        <MessageList room={room} onReply={onReply} onEdit={onEdit} />
        <div class="foot">
          <TypingLine names={room.othersTyping} />
          <Composer
            field={field}
            purpose={purpose}
            placeholder={placeholderOf(room)}
            maxChars={client.limits?.max_message_chars ?? MAX_CHARS}
            mayWrite={conversation.role !== 'observer'}
            onSubmit={submit}
            onTyping={(isTyping) => conversation.setTyping(isTyping)}
            onGiveUp={endPurpose}
            onEditLast={editLast}
          />
        </div>
      </main>
      <aside class="side" aria-label="People">
        <h2 class="side-title">People</h2>
        <People participants={participants} me={room.me} />
      </aside>
      <Announcer lines={room.announcements} />
    </div>
  );
}

/** Its title, or who is in it. */
function titleOf(room: Room): string {
  if (room.title !== undefined) return room.title;
  const others = inOrder(room.conversation.participants.values()).filter(
    ({ id }) => id !== room.me,
  );
  if (others.length === 0) return 'New conversation';
  return listOf(['You', ...others.map(({ name }) => name)], MAX_TITLE_NAMES);
}

function placeholderOf(room: Room): string {
  const participants = [...room.conversation.participants.values()];
  const agent = participants.find(({ kind }) => kind === 'agent');
  const people = participants.filter(({ kind }) => kind === 'human').length;
  return agent !== undefined && people > 1 ? `Message, or @${agent.id} to ask` : 'Message';
}
