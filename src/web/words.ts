import type { ColloquyError } from '../client/index.ts';

/** What the page says in place of the wire's words. */

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' });

export function timeOf(iso: string): string {
  return time.format(new Date(iso));
}

export function fullTimeOf(iso: string): string {
  return whole.format(new Date(iso));
}

/** The day of a message, as a person says it. */
export function dayOf(iso: string, now = new Date()): string {
  const then = new Date(iso);
  const days = Math.round((startOfDay(now) - startOfDay(then)) / 86_400_000);
  if (days === 0) return 'Today';
  return days === 1 ? 'Yesterday' : day.format(then);
}

export function isSameDay(a: string, b: string): boolean {
  return startOfDay(new Date(a)) === startOfDay(new Date(b));
}

function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** “Ada”, “Ada and Ben”, “Ada, Ben and 3 others”. */
export function listOf(names: readonly string[], most = 3): string {
  const [first = '', ...rest] = names;
  if (rest.length === 0) return first;
  if (names.length <= most) return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  const shown = names.slice(0, most - 1);
  return `${shown.join(', ')} and ${names.length - shown.length} others`;
}

export function secondsOf(seconds: number): string {
  return seconds === 1 ? '1 second' : `${seconds} seconds`;
}

/** Why something is not done yet, or will not be. */
export function whyOf({ reason, message }: ColloquyError): string {
  switch (reason) {
    case 'mailbox_full':
      return 'This conversation is too busy right now';
    case 'rate_limited':
      return 'You are sending faster than is allowed';
    case 'turn_queue_full':
      return 'The agent has too many questions waiting';
    case 'storage_unavailable':
      return 'The server cannot store messages right now';
    case 'draining':
      return 'The server is restarting';
    default:
      return message.replace(/\.$/, '');
  }
}

/** The beginning of a text on one line, for a quote. */
export function snippetOf(text: string, most = 140): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > most ? `${line.slice(0, most)}…` : line;
}
