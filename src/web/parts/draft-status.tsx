import type { Draft } from '../../client/index.ts';
import { useCountdown } from '../use-countdown.ts';
import { secondsOf, whyOf } from '../words.ts';

interface DraftStatusProps {
  readonly draft: Draft;
  readonly isOnline: boolean;
  readonly onRetry: (key: string) => void;
  readonly onDiscard: (key: string) => void;
}

const DOING = { send: 'Sending', edit: 'Saving', delete: 'Deleting' } as const;
const NOT_DONE = { send: 'Not sent', edit: 'Not saved', delete: 'Not deleted' } as const;

/** How far a draft has come, and what a person can do about it. */
export function DraftStatus({ draft, isOnline, onRetry, onDiscard }: DraftStatusProps) {
  const { key, state, change } = draft;
  const doing = DOING[change.kind];
  switch (state.kind) {
    case 'pending':
      return (
        <p class="draft-status" data-draft="pending">
          {isOnline ? `${doing}…` : 'Waits for the connection'}
        </p>
      );
    case 'sending':
      return (
        <p class="draft-status" data-draft={state.refusals > 0 ? 'retrying' : 'sending'}>
          {state.refusals > 0 ? 'Trying again…' : `${doing}…`}
        </p>
      );
    case 'refused':
      return (
        <div class="draft-status draft-refused" data-draft="refused">
          <span>
            {whyOf(state.error)}. <Wait untilMs={state.retryAtMs} />
          </span>
          <button type="button" class="button-quiet" onClick={() => onRetry(key)}>
            Try now
          </button>
          <button type="button" class="button-quiet" onClick={() => onDiscard(key)}>
            Discard
          </button>
        </div>
      );
    case 'failed':
      return (
        <div class="draft-status draft-failed" data-draft="failed" role="alert">
          <span>
            {NOT_DONE[change.kind]}: {whyOf(state.error)}.
          </span>
          <button type="button" class="button-quiet" onClick={() => onRetry(key)}>
            Try again
          </button>
          <button type="button" class="button-quiet" onClick={() => onDiscard(key)}>
            Discard
          </button>
        </div>
      );
    case 'stored':
      return null;
    default:
      return state satisfies never;
  }
}

function Wait({ untilMs }: { untilMs: number }) {
  const seconds = useCountdown(untilMs);
  return <>Trying again {seconds === 0 ? 'now' : `in ${secondsOf(seconds)}`}.</>;
}
