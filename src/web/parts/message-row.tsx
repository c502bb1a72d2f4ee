import type { Draft } from '../../client/index.ts';
import { memo } from '../memo.ts';
import type { MessageView } from '../model/timeline.ts';
import { fullTimeOf, snippetOf, timeOf } from '../words.ts';
import { Avatar } from './avatar.tsx';
import { DraftStatus } from './draft-status.tsx';
import { MessageActions } from './message-actions.tsx';

/** What can be done to messages; the same object for all rows and all drawings. */
export interface MessageDeeds {
  readonly reply: (message: MessageView) => void;
  readonly edit: (message: MessageView) => void;
  readonly remove: (message: MessageView) => void;
  readonly show: (seq: number) => void;
  readonly retry: (key: string) => void;
  readonly discard: (key: string) => void;
}

interface MessageRowProps {
  readonly message: MessageView;
  readonly isOwn: boolean;
  /** The first of its author's in a row: it has the name. */
  readonly isFirst: boolean;
  readonly isActive: boolean;
  readonly mayDelete: boolean;
  readonly isOnline: boolean;
  /** What it answers is the message right before it, and need not be quoted. */
  readonly isAnswerToLast: boolean;
  readonly quoted: MessageView | undefined;
  /** An edit or a deletion of this message that is not stored yet. */
  readonly draft: Draft | undefined;
  /** Under the last message that others have read. */
  readonly seenBy: string;
  readonly deeds: MessageDeeds;
}

/** One message. Everything a person typed is text, never markup. */
export const MessageRow = memo((props: MessageRowProps) => {
  const { message, isOwn, isFirst, isActive, deeds, draft } = props;
  const { from } = message;
  const who = isOwn ? 'You' : from.name;
  const classes = ['row', isOwn && 'row-own', isFirst && 'row-first'];
  return (
    <li
      class={classes.filter(Boolean).join(' ')}
      data-seq={message.seq}
      tabIndex={isActive ? 0 : -1}
      aria-label={`${who}, ${timeOf(message.createdAt)}`}
    >
      {!isOwn && (isFirst ? <Avatar of={from} /> : <span class="avatar-gap" />)}
      <div class="row-body">
        {isFirst && !isOwn && (
          <p class="row-head">
            <span class="row-name">{from.name}</span>
            {from.kind === 'agent' && <span class="badge">agent</span>}
          </p>
        )}
        <div class="row-line">
          <Bubble {...props} />
          {!message.isDeleted && (
            <MessageActions
              message={message}
              mayEdit={isOwn}
              mayDelete={props.mayDelete}
              isActive={isActive}
              onReply={deeds.reply}
              onEdit={deeds.edit}
              onDelete={deeds.remove}
            />
          )}
        </div>
        {draft !== undefined && (
          <DraftStatus
            draft={draft}
            isOnline={props.isOnline}
            onRetry={deeds.retry}
            onDiscard={deeds.discard}
          />
        )}
        {props.seenBy !== '' && <p class="seen">Seen by {props.seenBy}</p>}
      </div>
    </li>
  );
});

function Bubble({ message, isAnswerToLast, quoted, draft, deeds }: MessageRowProps) {
  const isGoing = draft?.change.kind === 'delete' && draft.state.kind !== 'failed';
  const content = draft?.change.kind === 'edit' ? draft.change.content : message.content;
  return (
    <div class={isGoing ? 'bubble bubble-going' : 'bubble'}>
      {message.replyTo !== undefined && !isAnswerToLast && (
        <Quote seq={message.replyTo} quoted={quoted} onShow={deeds.show} />
      )}
      {message.isDeleted ? (
        <p class="content content-deleted">This message was deleted.</p>
      ) : (
        <p class="content" dir="auto">
          {content}
        </p>
      )}
      {message.citations.length > 0 && (
        <ul class="citations" aria-label="Sources">
          {message.citations.map((citation) => (
            <li key={`${citation.document_id} ${citation.chunk_id}`}>{citation.title}</li>
          ))}
        </ul>
      )}
      <p class="stamp">
        {message.isPartial && !message.isDeleted && 'not finished · '}
        {message.isEdited && !message.isDeleted && 'edited · '}
        <time dateTime={message.createdAt} title={fullTimeOf(message.createdAt)}>
          {timeOf(message.createdAt)}
        </time>
      </p>
    </div>
  );
}

interface QuoteProps {
  readonly seq: number;
  readonly quoted: MessageView | undefined;
  readonly onShow: (seq: number) => void;
}

function Quote({ seq, quoted, onShow }: QuoteProps) {
  return (
    <button
      type="button"
      class="quote"
      tabIndex={-1}
      aria-label={quoted === undefined ? 'An earlier message' : `In reply to ${quoted.from.name}`}
      onClick={() => onShow(seq)}
    >
      <span class="quote-name">{quoted?.from.name ?? 'Earlier'}</span>
      <span class="quote-text">
        {quoted === undefined && 'A message from before'}
        {quoted?.isDeleted === true && 'This message was deleted.'}
        {quoted?.isDeleted === false && snippetOf(quoted.content)}
      </span>
    </button>
  );
}
