import { clearTimeout, setTimeout } from 'k6/timers';
import { now } from './clock.ts';
import { errors, finished } from './metrics.ts';
import { type Pass, Person } from './person.ts';
import { mine, type Start, wsUrl } from './run.ts';
import type { Figures } from './scenarios.ts';

/** Milliseconds between two looks at what is still under way. */
const LOOK_MS = 100;
/** Milliseconds that all is quiet before the ends of the conversations are compared. */
const QUIET_MS = 1_000;
/** Milliseconds that the comparison may take. */
const CHECK_MS = 5_000;

export interface Crowd {
  readonly people: readonly Person[];
  /** When sending begins and ends, and how long it may take to arrive, milliseconds since 1970. */
  readonly from: number;
  readonly until: number;
  readonly deadline: number;
}

/** The connections of this VU, who come within the ramp; each has a number in the whole test. */
export function gather(figures: Figures, { startAt, run }: Start): Crowd {
  const { PEOPLE, DEVICES, PER_ROOM, RAMP, DURATION, SETTLE } = figures;
  const passes = new Map<number, Pass>();
  const people = mine(figures).map((number) => {
    const participant = Math.floor(number / DEVICES);
    const pass = passes.get(participant) ?? { token: undefined };
    passes.set(participant, pass);
    const room = Math.floor(number / PER_ROOM);
    const conversationId = `${run}-${room}`;
    const person = new Person({ url: wsUrl(), name: `p${number}`, conversationId, pass });
    // First devices come first: a participant is told to everyone once, as long as few are there.
    const order = (number % DEVICES) * (PEOPLE / DEVICES) + participant;
    at(startAt + (order / PEOPLE) * RAMP * 1_000, () => person.connect());
    return person;
  });
  const from = startAt + RAMP * 1_000;
  const until = from + DURATION * 1_000;
  return { people, from, until, deadline: until + QUIET_MS + SETTLE * 1_000 };
}

/** Everyone who is there sends in turn, RATE a second of all together, each when it is due. */
export function talk({ people, from, until }: Crowd, figures: Figures): void {
  const { PEOPLE, RATE, CHARS } = figures;
  if (RATE === 0) return;
  const text = '.'.repeat(Math.max(CHARS - 17, 1));
  const numbers = mine(figures);
  for (const [index, person] of people.entries()) {
    const every = (PEOPLE / RATE) * 1_000;
    const say = (dueAt: number): void => {
      if (dueAt >= until) return;
      at(dueAt, () => {
        if (!person.isAway) person.send(text, dueAt);
        say(dueAt + every);
      });
    };
    say(from + ((numbers[index] ?? 0) / RATE) * 1_000);
  }
}

/** When all was sent: waits until it has arrived, compares the ends, and goes home. */
export function goHome({ people, until, deadline }: Crowd): void {
  at(until + QUIET_MS, () => settle(people, deadline));
}

function settle(people: readonly Person[], deadline: number): void {
  const isQuiet = people.every(({ isSettled, isLive }) => isSettled && isLive);
  if (!isQuiet && now() < deadline) {
    setTimeout(() => settle(people, deadline), LOOK_MS);
    return;
  }
  let left = people.length;
  const finish = () => {
    clearTimeout(late);
    errors.add(left, { reason: 'no_answer' });
    for (const person of people) person.end();
    finished.add(1);
  };
  const late = setTimeout(finish, CHECK_MS);
  for (const person of people) {
    person.checkTail(() => {
      left -= 1;
      if (left === 0) finish();
    });
  }
}

/** Runs something at a time; at once when it is past. */
export function at(time: number, run: () => void): void {
  setTimeout(run, Math.max(time - now(), 0));
}
