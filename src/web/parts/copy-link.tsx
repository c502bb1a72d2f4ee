import { useEffect, useRef, useState } from 'preact/hooks';
import { LinkIcon } from './icons.tsx';

const SAID_MS = 3_000;

/** Copies the conversation's address, and says so. Where a browser does not allow it, shows it selected. */
export function CopyLink({ link }: { link: string }) {
  const [outcome, setOutcome] = useState<'copied' | 'shown'>();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (outcome === 'shown') field.current?.select();
    if (outcome !== 'copied') return;
    const timer = setTimeout(() => setOutcome(undefined), SAID_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(link);
      setOutcome('copied');
    } catch {
      // Clipboards are for secure origins, and for those who may.
      setOutcome('shown');
    }
  };
  return (
    <div class="copy-link">
      {outcome === 'shown' && (
        <input ref={field} class="field copy-field" readOnly value={link} aria-label="Link" />
      )}
      <button type="button" class="button button-small" onClick={() => void copy()}>
        <LinkIcon />
        <span aria-live="polite">{outcome === 'copied' ? 'Copied' : 'Copy link'}</span>
      </button>
    </div>
  );
}
