/**
 * Milliseconds a test waits for what it was promised, unless it says otherwise: far more than a busy machine takes,
 * and less than a test may take, so that it can say what did not come.
 */
export const DEADLINE_MS = 45_000;

/** The promise, or a failure that says what was waited for. */
export async function within<T>(promise: Promise<T>, what: string, ms = DEADLINE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Asks again until `probe` gives something other than undefined or false. For what announces
 * itself by no frame (a metric, a port); everything else is waited for itself.
 */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined | false>,
  ms = DEADLINE_MS,
): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
