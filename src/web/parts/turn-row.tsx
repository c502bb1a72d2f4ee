import type { TurnView } from '../../client/index.ts';
import { isOver } from '../../client/turn-view.ts';
import { Avatar } from './avatar.tsx';
import { StopIcon } from './icons.tsx';
import { type ToolDeeds, ToolList } from './tool-list.tsx';

interface TurnRowProps {
  readonly turn: TurnView;
  /** We may send, and so decide. */
  readonly mayDecide: boolean;
  readonly deeds: ToolDeeds;
  readonly onCancel: (turnId: string) => void;
}

/**
 * An agent's answer while it comes, or what is left of one that came to nothing. Tokens are not read out as they
 * come; the whole message is announced when it is there.
 */
export function TurnRow({ turn, mayDecide, deeds, onCancel }: TurnRowProps) {
  const isRunning = !isOver(turn);
  return (
    <li
      class="row row-first row-turn"
      data-turn={turn.turnId}
      data-turn-state={turn.state}
      aria-busy={isRunning}
    >
      <Avatar of={{ ...turn.agent, kind: 'agent' }} />
      <div class="row-body">
        <p class="row-head">
          <span class="row-name">{turn.agent.name}</span>
          <span class="row-note">{statusOf(turn)}</span>
        </p>
        {turn.tools.length > 0 && (
          <ToolList tools={turn.tools} mayDecide={mayDecide && isRunning} deeds={deeds} />
        )}
        {turn.text !== '' && (
          <div class="bubble">
            <p class={isRunning ? 'content content-coming' : 'content content-left'} dir="auto">
              {turn.text}
            </p>
          </div>
        )}
        {isRunning && (
          <button type="button" class="button button-small" onClick={() => onCancel(turn.turnId)}>
            <StopIcon />
            Stop
          </button>
        )}
      </div>
    </li>
  );
}

function statusOf({ state, text, isWhole, error, attempt }: TurnView): string {
  switch (state) {
    case 'queued':
      return 'is next to answer';
    case 'thinking':
      return attempt > 1 ? 'is starting over…' : 'is thinking…';
    case 'streaming':
      return isWhole || text === '' ? 'is answering…' : 'is answering, catching up…';
    case 'awaiting_approval':
      return 'waits for an approval';
    case 'committing':
    case 'completed':
      return '';
    case 'cancelled':
      return 'was stopped';
    case 'superseded':
      return 'was interrupted';
    case 'failed':
      return `could not answer. ${error?.message ?? ''}`;
    default:
      return state satisfies never;
  }
}
