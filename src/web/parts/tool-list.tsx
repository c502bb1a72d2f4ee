import type { ToolUse } from '../../client/index.ts';
import { isWaiting } from '../../client/tool-use.ts';

export interface ToolDeeds {
  readonly decide: (callId: string, verdict: 'approve' | 'reject') => void;
  readonly nameOf: (participantId: string) => string;
}

interface ToolListProps {
  readonly tools: readonly ToolUse[];
  /** False for who may not send, and when the turn is over. */
  readonly mayDecide: boolean;
  readonly deeds: ToolDeeds;
}

/** Characters of arguments that are shown; the rest is cut, and said to be. */
const MAX_ARGS = 600;

/** What an agent asks of its tools, and of people: a call that waits has its two buttons. */
export function ToolList({ tools, mayDecide, deeds }: ToolListProps) {
  return (
    <ul class="tools" aria-label="Tools">
      {tools.map((use) => (
        <li key={use.callId} class="tool" data-call={use.callId}>
          <p>
            <span class="tool-name">{use.name}</span> {statusOf(use, deeds.nameOf)}
          </p>
          {(isWaiting(use) || use.outcome?.ok === false) && (
            <pre class="tool-args">{argsOf(use)}</pre>
          )}
          {isWaiting(use) && mayDecide && <Decision use={use} deeds={deeds} />}
        </li>
      ))}
    </ul>
  );
}

function Decision({ use, deeds }: { readonly use: ToolUse; readonly deeds: ToolDeeds }) {
  return (
    <p class="tool-decision">
      <button
        type="button"
        class="button button-small button-main"
        aria-label={`Approve ${use.name}`}
        onClick={() => deeds.decide(use.callId, 'approve')}
      >
        Approve
      </button>
      <button
        type="button"
        class="button button-small"
        aria-label={`Reject ${use.name}`}
        onClick={() => deeds.decide(use.callId, 'reject')}
      >
        Reject
      </button>
    </p>
  );
}

function statusOf(use: ToolUse, nameOf: ToolDeeds['nameOf']): string {
  const { decision, outcome } = use;
  const who = decision === undefined ? '' : nameOf(decision.by);
  if (decision?.verdict === 'reject') return `was rejected by ${who}`;
  const approved = decision === undefined ? '' : `, approved by ${who}`;
  if (outcome?.ok === true) return `was used${approved}`;
  if (outcome?.ok === false) return `did not work${approved}: ${outcome.error}`;
  return isWaiting(use) ? 'waits for somebody to approve it' : `is being used${approved}…`;
}

function argsOf({ args }: ToolUse): string {
  const text = JSON.stringify(args, null, 2) ?? '';
  return text.length > MAX_ARGS ? `${text.slice(0, MAX_ARGS)}…` : text;
}
