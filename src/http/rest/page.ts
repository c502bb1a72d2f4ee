/** Cuts what was read, one more than asked for, to a page: that one more says that there is a next. */
export function pageOf<T>(
  read: readonly T[],
  limit: number,
  cursorOf: (last: T) => string,
): { readonly items: readonly T[]; readonly nextCursor: string | null } {
  const items = read.slice(0, limit);
  const last = items.at(-1);
  const hasMore = read.length > limit && last !== undefined;
  return { items, nextCursor: hasMore ? cursorOf(last) : null };
}
