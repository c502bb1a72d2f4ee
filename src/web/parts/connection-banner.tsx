import type { ConnectionState, Conversation } from '../../client/index.ts';
import { useCountdown } from '../use-countdown.ts';
import { secondsOf, whyOf } from '../words.ts';

interface ConnectionBannerProps {
  readonly state: ConnectionState;
  readonly conversation: Conversation;
  readonly onRetry: () => void;
}

/** What stands between the page and the conversation, if anything does. */
export function ConnectionBanner({ state, conversation, onRetry }: ConnectionBannerProps) {
  return (
    <div class="banner-place" role="status" data-connection={state.kind}>
      <Trouble state={state} conversation={conversation} onRetry={onRetry} />
    </div>
  );
}

function Trouble({ state, conversation, onRetry }: ConnectionBannerProps) {
  if (state.kind === 'connecting') return <p class="banner banner-slow">Connecting…</p>;
  if (state.kind === 'offline') {
    return <Offline reason={state.reason} retryAtMs={state.retryAtMs} onRetry={onRetry} />;
  }
  if (state.kind === 'closed') {
    return (
      <p class="banner banner-bad">
        <span>Disconnected. {whyOf(state.error)}.</span>
        <button type="button" class="button-quiet" onClick={onRetry}>
          Connect again
        </button>
      </p>
    );
  }
  const joined = conversation.state;
  if (joined.kind === 'joining') return <p class="banner banner-slow">Opening the conversation…</p>;
  if (joined.kind === 'waiting') {
    return <Waiting why={whyOf(joined.error)} retryAtMs={joined.retryAtMs} />;
  }
  if (joined.kind === 'refused') {
    return (
      <p class="banner banner-bad">
        <span>This conversation cannot be opened. {whyOf(joined.error)}.</span>
        <button type="button" class="button-quiet" onClick={() => conversation.rejoin()}>
          Try again
        </button>
      </p>
    );
  }
  return null;
}

interface OfflineProps {
  readonly reason: string;
  readonly retryAtMs: number;
  readonly onRetry: () => void;
}

function Offline({ reason, retryAtMs, onRetry }: OfflineProps) {
  return (
    <p class="banner banner-bad">
      <span>
        {reason === 'draining' ? 'The server is restarting.' : 'You are offline.'}{' '}
        <Remaining untilMs={retryAtMs} />
      </span>
      <button type="button" class="button-quiet" onClick={onRetry}>
        Try now
      </button>
    </p>
  );
}

function Waiting({ why, retryAtMs }: { why: string; retryAtMs: number }) {
  return (
    <p class="banner banner-bad">
      <span>
        {why}. <Remaining untilMs={retryAtMs} />
      </span>
    </p>
  );
}

/** The count is for the eye; a screen reader hears once that it is being tried. */
function Remaining({ untilMs }: { untilMs: number }) {
  const seconds = useCountdown(untilMs);
  return (
    <>
      <span aria-hidden="true">
        Trying again {seconds === 0 ? 'now' : `in ${secondsOf(seconds)}`}.
      </span>
      <span class="heard-only">Trying again soon.</span>
    </>
  );
}
