import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { MessageView } from '../model/timeline.ts';
import { DeleteIcon, EditIcon, ReplyIcon } from './icons.tsx';

export interface MessageActionsProps {
  readonly message: MessageView;
  readonly mayEdit: boolean;
  readonly mayDelete: boolean;
  /** Whether Tab stops here: only in the message that the arrow keys chose. */
  readonly isActive: boolean;
  readonly onReply: (message: MessageView) => void;
  readonly onEdit: (message: MessageView) => void;
  readonly onDelete: (message: MessageView) => void;
}

/** What can be done with a message. A deletion is asked about once. */
export function MessageActions(props: MessageActionsProps) {
  const { message, mayEdit, mayDelete, isActive, onReply, onEdit, onDelete } = props;
  const [isAsking, setAsking] = useState(false);
  const tabIndex = isActive ? 0 : -1;
  if (isAsking) {
    const answer = (isYes: boolean) => {
      setAsking(false);
      if (isYes) onDelete(message);
    };
    return <DeleteQuestion onAnswer={answer} />;
  }
  return (
    <div class="actions">
      <button
        type="button"
        class="action"
        tabIndex={tabIndex}
        aria-label={`Reply to ${message.from.name}`}
        title="Reply"
        onClick={() => onReply(message)}
      >
        <ReplyIcon />
      </button>
      {mayEdit && (
        <button
          type="button"
          class="action"
          tabIndex={tabIndex}
          aria-label="Edit this message"
          title="Edit"
          onClick={() => onEdit(message)}
        >
          <EditIcon />
        </button>
      )}
      {mayDelete && (
        <button
          type="button"
          class="action"
          tabIndex={tabIndex}
          aria-label="Delete this message"
          title="Delete"
          onClick={() => setAsking(true)}
        >
          <DeleteIcon />
        </button>
      )}
    </div>
  );
}

function DeleteQuestion({ onAnswer }: { onAnswer: (yes: boolean) => void }) {
  const yes = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => yes.current?.focus(), []);
  const answer = (event: Event, isYes: boolean) => {
    // The buttons are about to go, and the focus must not go with them.
    (event.currentTarget as HTMLElement).closest<HTMLElement>('.row')?.focus();
    onAnswer(isYes);
  };
  return (
    <fieldset
      class="actions actions-asking"
      onKeyDown={(event) => {
        if (event.key === 'Escape') answer(event, false);
      }}
    >
      <legend class="actions-question">Delete it for everyone?</legend>
      <button
        ref={yes}
        type="button"
        class="button button-small button-bad"
        onClick={(event) => answer(event, true)}
      >
        Delete
      </button>
      <button type="button" class="button button-small" onClick={(event) => answer(event, false)}>
        Keep
      </button>
    </fieldset>
  );
}
