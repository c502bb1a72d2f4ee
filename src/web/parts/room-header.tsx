import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Participant } from '../../client/index.ts';
import { hashOf } from '../route.ts';
import { CopyLink } from './copy-link.tsx';
import { CloseIcon, Logo } from './icons.tsx';
import { People } from './people.tsx';

interface RoomHeaderProps {
  readonly title: string;
  readonly link: string;
  readonly participants: readonly Participant[];
  readonly me: string | undefined;
}

/** The way back, the conversation's name, who is here, and the link to bring others in. */
export function RoomHeader({ title, link, participants, me }: RoomHeaderProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isOpen, setOpen] = useState(false);
  useLayoutEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);
  const here = participants.filter(({ online, kind }) => online && kind === 'human').length;
  return (
    <header class="header">
      <a class="home" href={hashOf({ place: 'start' })} aria-label="Colloquy, to the start">
        <Logo />
      </a>
      <h1 class="title">{title}</h1>
      <button type="button" class="button button-small people-button" onClick={() => setOpen(true)}>
        <span class="dot" aria-hidden="true" />
        {here} here
      </button>
      <CopyLink link={link} />
      <dialog ref={dialog} class="drawer" aria-label="People" onClose={() => setOpen(false)}>
        <div class="drawer-head">
          <h2 class="side-title">People</h2>
          <button
            type="button"
            class="action"
            aria-label="Close"
            onClick={() => dialog.current?.close()}
          >
            <CloseIcon />
          </button>
        </div>
        {isOpen && <People participants={participants} me={me} />}
      </dialog>
    </header>
  );
}
