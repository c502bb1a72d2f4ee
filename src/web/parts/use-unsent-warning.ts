import { useEffect } from 'preact/hooks';
import type { Room } from '../model/room.ts';

/** A window that is closed while something is not sent yet asks first: what is not stored would be lost. */
export function useUnsentWarning({ conversation }: Room): void {
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => {
      const isUnsent = conversation.drafts.some(
        ({ state }) => state.kind !== 'stored' && state.kind !== 'failed',
      );
      if (isUnsent) event.preventDefault();
    };
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, [conversation]);
}
