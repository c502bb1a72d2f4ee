/** Ends with the abort, also when the source does not: an agent that ignores its signal holds up nobody. */
export async function* untilAborted<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncIterable<T> {
  const iterator = source[Symbol.asyncIterator]();
  let wake = () => {};
  const aborted = new Promise<undefined>((resolve) => {
    wake = () => resolve(undefined);
  });
  signal.addEventListener('abort', wake, { once: true });
  try {
    while (!signal.aborted) {
      const next = iterator.next();
      const result = await Promise.race([next, aborted]);
      if (result === undefined) next.catch(() => {});
      if (result === undefined || result.done === true) return;
      yield result.value;
    }
  } finally {
    signal.removeEventListener('abort', wake);
    iterator.return?.().catch(() => {});
  }
}
