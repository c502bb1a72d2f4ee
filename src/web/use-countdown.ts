import { useEffect, useState } from 'preact/hooks';

const SECOND_MS = 1_000;

/** Whole seconds until a time (milliseconds since 1970), counting down to 0. */
export function useCountdown(untilMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), SECOND_MS / 4);
    return () => clearInterval(timer);
  }, [untilMs]);
  return Math.max(0, Math.ceil((untilMs - now) / SECOND_MS));
}
