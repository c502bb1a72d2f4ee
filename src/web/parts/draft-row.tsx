import type { Draft } from '../../client/index.ts';
import { DraftStatus } from './draft-status.tsx';

interface DraftRowProps {
  readonly draft: Draft;
  readonly isOnline: boolean;
  readonly onRetry: (key: string) => void;
  readonly onDiscard: (key: string) => void;
}

/** A message of our own that is not in the conversation yet. */
export function DraftRow(props: DraftRowProps) {
  const { change } = props.draft;
  if (change.kind !== 'send') return null;
  return (
    <li class="row row-own row-first row-draft">
      <div class="row-body">
        <div class="bubble bubble-draft">
          <p class="content" dir="auto">
            {change.content}
          </p>
        </div>
        <DraftStatus {...props} />
      </div>
    </li>
  );
}
