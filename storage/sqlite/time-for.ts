/** How long a transaction takes on more work while commits may wait for it; its own commit comes on top. */
const BUDGET_MS = 1.5;

/** True as long as there is time for another row: always for the first one, and for no more than `rows`. */
export function timeFor(rows: number): () => boolean {
  const end = performance.now() + BUDGET_MS;
  let taken = 0;
  return () => {
    taken += 1;
    return taken === 1 || (taken <= rows && performance.now() < end);
  };
}
