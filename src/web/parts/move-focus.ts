/** Arrow keys, Home and End go from message to message; Tab goes into what can be done with one. */
export function moveFocus(event: KeyboardEvent): void {
  const list = event.currentTarget;
  if (!(list instanceof HTMLElement) || !(event.target instanceof Element)) return;
  const rows = [...list.querySelectorAll<HTMLElement>('[data-seq]')];
  const at = rows.findIndex((row) => row.contains(event.target as Element));
  const to = rows[target(event.key, at, rows.length - 1)];
  if (at === -1 || to === undefined) return;
  event.preventDefault();
  to.focus();
  to.scrollIntoView({ block: 'nearest' });
}

function target(key: string, at: number, last: number): number {
  switch (key) {
    case 'ArrowUp':
      return Math.max(0, at - 1);
    case 'ArrowDown':
      return Math.min(last, at + 1);
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return -1;
  }
}
