import { useEffect, useRef, useState } from 'preact/hooks';
import { cleanName, MAX_NAME_CHARS } from '../identity.ts';
import { idIn } from '../route.ts';
import { Logo } from './icons.tsx';

interface StartPageProps {
  readonly name: string;
  /** They came by a link to a conversation, and only have to say who they are. */
  readonly isInvited: boolean;
  readonly onChoose: (name: string, conversationId: string | undefined) => void;
}

type Wrong = { readonly field: 'name' | 'link'; readonly message: string };

/** Who are you, and where to: a new conversation, or one by its link. */
export function StartPage({ name, isInvited, onChoose }: StartPageProps) {
  const nameField = useRef<HTMLInputElement>(null);
  const linkField = useRef<HTMLInputElement>(null);
  const [wrong, setWrong] = useState<Wrong>();
  useEffect(() => {
    document.title = 'Colloquy';
    nameField.current?.focus();
  }, []);

  const refuse = (what: Wrong) => {
    setWrong(what);
    (what.field === 'name' ? nameField : linkField).current?.focus();
  };
  const go = (withLink: boolean) => {
    const chosen = cleanName(nameField.current?.value ?? '');
    if (chosen === '') return refuse({ field: 'name', message: 'Please say what to call you.' });
    const id = withLink ? idIn(linkField.current?.value ?? '') : undefined;
    if (withLink && id === undefined) {
      return refuse({ field: 'link', message: 'This is not a link to a conversation.' });
    }
    onChoose(chosen, id);
  };
  const errorOf = (field: Wrong['field']) => (wrong?.field === field ? wrong.message : undefined);

  return (
    <main class="start">
      <div class="start-card">
        <h1 class="start-title">
          <Logo />
          Colloquy
        </h1>
        <p class="start-lead">
          {isInvited
            ? 'You are invited to a conversation.'
            : 'A conversation for several people and an agent. Nothing that was said gets lost.'}
        </p>
        <form
          class="start-form"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            go(false);
          }}
        >
          <label class="field-label" for="name">
            Your name
          </label>
          <input
            ref={nameField}
            id="name"
            class="field"
            autocomplete="nickname"
            maxLength={MAX_NAME_CHARS}
            defaultValue={name}
            aria-describedby={errorOf('name') === undefined ? undefined : 'name-error'}
            aria-invalid={errorOf('name') !== undefined}
          />
          <FieldError id="name-error" message={errorOf('name')} />
          <button type="submit" class="button button-main">
            {isInvited ? 'Join the conversation' : 'Start a conversation'}
          </button>
        </form>
        {!isInvited && (
          <form
            class="start-form start-open"
            noValidate
            onSubmit={(event) => {
              event.preventDefault();
              go(true);
            }}
          >
            <label class="field-label" for="link">
              Or open one by its link
            </label>
            <div class="field-row">
              <input
                ref={linkField}
                id="link"
                class="field"
                autocomplete="off"
                placeholder="Paste a link"
                aria-describedby={errorOf('link') === undefined ? undefined : 'link-error'}
                aria-invalid={errorOf('link') !== undefined}
              />
              <button type="submit" class="button">
                Open
              </button>
            </div>
            <FieldError id="link-error" message={errorOf('link')} />
          </form>
        )}
      </div>
    </main>
  );
}

function FieldError({ id, message }: { id: string; message: string | undefined }) {
  return message === undefined ? null : (
    <p id={id} class="field-error" role="alert">
      {message}
    </p>
  );
}
