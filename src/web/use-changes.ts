import { useEffect, useState } from 'preact/hooks';

/** A page nobody looks at gets no frames, and is drawn this often. */
const HIDDEN_MS = 200;

/** Draws again after a change: once a frame, however many there were. */
export function useChanges(subscribe: (listener: () => void) => () => void): void {
  const [, draw] = useState(0);
  useEffect(() => {
    let isPlanned = false;
    let isOver = false;
    const run = () => {
      isPlanned = false;
      if (!isOver) draw((count) => count + 1);
    };
    const off = subscribe(() => {
      if (isPlanned) return;
      isPlanned = true;
      if (document.visibilityState === 'hidden') setTimeout(run, HIDDEN_MS);
      else requestAnimationFrame(run);
    });
    // What changed between the first drawing and now has not been heard.
    draw((count) => count + 1);
    return () => {
      isOver = true;
      off();
    };
  }, [subscribe]);
}
