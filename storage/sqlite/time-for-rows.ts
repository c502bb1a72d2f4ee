/** How long a transaction takes on more work while commits may wait for it; its own commit comes on top. */
const BUDGET_MS = 1.5;

/** True as long as there is time for another row; always for the first. */
export function timeForRows(): () => boolean {
  const end = performance.now() + BUDGET_MS;
  let isFirst = true;
  return () => {
    const hasTime = isFirst || performance.now() < end;
    isFirst = false;
    return hasTime;
  };
}
