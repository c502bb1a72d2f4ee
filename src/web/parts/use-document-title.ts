import { useEffect, useState } from 'preact/hooks';
import type { Room } from '../model/room.ts';

/** The tab says what the conversation is, and how much came while nobody looked. */
export function useDocumentTitle(room: Room, title: string): void {
  const [unseen, setUnseen] = useState(0);
  useEffect(() => {
    const off = room.conversation.on('event', (event) => {
      const isNews = event.kind === 'message' && event.from.id !== room.me;
      if (isNews && document.visibilityState === 'hidden') setUnseen((count) => count + 1);
    });
    const clear = () => {
      if (document.visibilityState === 'visible') setUnseen(0);
    };
    document.addEventListener('visibilitychange', clear);
    return () => {
      off();
      document.removeEventListener('visibilitychange', clear);
    };
  }, [room]);
  useEffect(() => {
    document.title = `${unseen > 0 ? `(${unseen}) ` : ''}${title} · Colloquy`;
  }, [title, unseen]);
}
