import type { RefObject } from 'preact';
import { useLayoutEffect, useState } from 'preact/hooks';
import type { MessageView } from '../model/timeline.ts';
import { snippetOf } from '../words.ts';
import { CloseIcon, SendIcon } from './icons.tsx';

/** What the composer is for right now. */
export type Purpose =
  | { readonly kind: 'say' }
  | { readonly kind: 'reply'; readonly to: MessageView }
  | { readonly kind: 'edit'; readonly message: MessageView };

interface ComposerProps {
  readonly field: RefObject<HTMLTextAreaElement | null>;
  readonly purpose: Purpose;
  readonly placeholder: string;
  readonly maxChars: number;
  /** Observers read. */
  readonly mayWrite: boolean;
  readonly onSubmit: (text: string) => void;
  readonly onTyping: (isTyping: boolean) => void;
  readonly onGiveUp: () => void;
  /** Arrow up in an empty field: the last own message is edited. */
  readonly onEditLast: () => void;
}

/** Fewer characters left than this are counted down. */
const COUNT_FROM = 500;

/** Where one writes. Enter sends, Shift+Enter begins a line. */
export function Composer(props: ComposerProps) {
  const { field, purpose, maxChars, mayWrite } = props;
  const [text, setText] = useState('');
  const left = maxChars - [...text].length;
  const isSendable = text.trim() !== '' && left >= 0 && mayWrite;

  // Before the next key: what is typed then belongs to the new purpose.
  useLayoutEffect(() => {
    if (purpose.kind === 'edit') setText(purpose.message.content);
    if (purpose.kind !== 'say') field.current?.focus();
  }, [purpose, field]);
  useLayoutEffect(() => grow(field.current), [text]);

  const submit = () => {
    if (!isSendable) return;
    setText('');
    props.onSubmit(text);
    field.current?.focus();
  };
  const giveUp = () => {
    if (purpose.kind === 'edit') setText('');
    props.onGiveUp();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === 'Escape' && purpose.kind !== 'say') {
      event.preventDefault();
      giveUp();
    } else if (event.key === 'ArrowUp' && text === '' && purpose.kind === 'say') {
      event.preventDefault();
      props.onEditLast();
    }
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <PurposeBar purpose={purpose} onGiveUp={giveUp} />
      <div class="composer-line">
        <label class="heard-only" for="composer">
          {purpose.kind === 'edit' ? 'Edit the message' : 'Message'}
        </label>
        <textarea
          ref={field}
          id="composer"
          class="composer-field"
          rows={1}
          dir="auto"
          enterkeyhint="send"
          placeholder={mayWrite ? props.placeholder : 'You can read this conversation, not write.'}
          disabled={!mayWrite}
          value={text}
          aria-describedby="composer-count"
          aria-invalid={left < 0}
          onInput={(event) => {
            setText(event.currentTarget.value);
            props.onTyping(event.currentTarget.value !== '');
          }}
          onBlur={() => props.onTyping(false)}
          onKeyDown={onKeyDown}
        />
        <button
          type="submit"
          class="send"
          disabled={!isSendable}
          aria-label={purpose.kind === 'edit' ? 'Save' : 'Send'}
        >
          <SendIcon />
        </button>
      </div>
      <p id="composer-count" class={left < 0 ? 'count count-over' : 'count'} aria-live="polite">
        {left < 0 && `${-left} characters too many`}
        {left >= 0 && left < COUNT_FROM && `${left} characters left`}
      </p>
    </form>
  );
}

function PurposeBar({ purpose, onGiveUp }: { purpose: Purpose; onGiveUp: () => void }) {
  if (purpose.kind === 'say') return null;
  const message = purpose.kind === 'reply' ? purpose.to : purpose.message;
  return (
    <div class="purpose">
      <p class="purpose-text">
        <strong>{purpose.kind === 'reply' ? `Reply to ${message.from.name}` : 'Editing'}</strong>{' '}
        <span class="purpose-quote">{snippetOf(message.content, 80)}</span>
      </p>
      <button
        type="button"
        class="action"
        aria-label={purpose.kind === 'reply' ? 'Do not reply' : 'Do not edit'}
        title="Escape"
        onClick={onGiveUp}
      >
        <CloseIcon />
      </button>
    </div>
  );
}

/** As high as its text, up to the limit of the styles. */
function grow(field: HTMLTextAreaElement | null): void {
  if (field === null) return;
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight}px`;
}
