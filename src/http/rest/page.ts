/** Characters of a page, over which it is cut short: it is one answer in memory. */
export const PAGE_CHARS = 1024 * 1024;

export interface PageOptions<T> {
  readonly limit: number;
  readonly cursorOf: (last: T) => string;
  /** What an item weighs; nothing when absent. */
  readonly charsOf?: (item: T) => number;
}

/** Cuts what was read, one more than asked for, to a page of at least one: what is left over says that there is a next. */
export function pageOf<T>(
  read: readonly T[],
  { limit, cursorOf, charsOf = () => 0 }: PageOptions<T>,
): { readonly items: readonly T[]; readonly nextCursor: string | null } {
  const items: T[] = [];
  let chars = 0;
  for (const item of read.slice(0, limit)) {
    chars += charsOf(item);
    if (items.length > 0 && chars > PAGE_CHARS) break;
    items.push(item);
  }
  const last = items.at(-1);
  const hasMore = read.length > items.length && last !== undefined;
  return { items, nextCursor: hasMore ? cursorOf(last) : null };
}
