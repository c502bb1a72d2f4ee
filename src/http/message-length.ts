/** Whether `text` has more than `max` characters (Unicode code points). Counts only what is near the limit. */
export function isTooLong(text: string, max: number): boolean {
  if (text.length <= max) return false;
  if (text.length > max * 2) return true;
  let chars = 0;
  for (const _ of text) chars += 1;
  return chars > max;
}
