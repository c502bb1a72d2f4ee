import type { Announcement } from '../model/room.ts';

/** What a screen reader is told as it happens: each whole message once, none of the pages loaded from before. */
export function Announcer({ lines }: { lines: readonly Announcement[] }) {
  return (
    <div class="heard-only" aria-live="polite" aria-relevant="additions" data-announcer>
      {lines.map(({ id, text }) => (
        <p key={id}>{text}</p>
      ))}
    </div>
  );
}
