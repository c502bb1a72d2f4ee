import { at, gather, goHome, talk } from '../lib/crowd.ts';
import { begin, figures, mine, optionsFor, type Start } from '../lib/run.ts';
import { summaryOf } from '../lib/summary.ts';

const SCENARIO = 'flood';
const FIGURES = figures(SCENARIO);
const { PEOPLE, BURST, EVERY, DURATION, P99_MS } = FIGURES;
const BURSTS = Math.max(Math.floor(DURATION / EVERY), 1);
/** Milliseconds after a burst that belong to it; then all is to be as before. */
const BACK_MS = 2_000;
/** Milliseconds that 99 of 100 refusals may take, each behind all that its burst wrote before it. */
const REFUSAL_P99_MS = 500;
/** All of a burst is accepted in the end: k6 tells how long that took. */
const BURST_TEXT = '.'.repeat(100);

export const options = optionsFor(FIGURES, {
  'ack_ms{phase:calm}': [`p(99)<${P99_MS}`],
  'delivery_ms{phase:calm}': [`p(99)<${P99_MS}`],
  'ack_ms{phase:flood}': ['max>=0'],
  refusals: ['count>0'],
  refusal_ms: [`p(99)<${REFUSAL_P99_MS}`],
  closes: ['count==0'],
});
export const setup = () => begin(FIGURES);
export const handleSummary = summaryOf(SCENARIO);

/** A steady talk, and again and again a burst on top of it. What is refused is sent again, with its key. */
export default function people(start: Start): void {
  const crowd = gather(FIGURES, start);
  const numbers = mine(FIGURES);
  const burstsAt = Array.from(
    { length: BURSTS },
    (_, at) => crowd.from + (at + 0.5) * EVERY * 1_000,
  );
  const phaseOf = (dueAt: number) =>
    burstsAt.some((from) => dueAt >= from && dueAt < from + BACK_MS) ? FLOOD : CALM;
  for (const [index, person] of crowd.people.entries()) {
    person.tagsOf = phaseOf;
    const first = Math.floor(((numbers[index] ?? 0) * BURST) / PEOPLE);
    const last = Math.floor((((numbers[index] ?? 0) + 1) * BURST) / PEOPLE);
    for (const from of burstsAt) {
      at(from, () => {
        for (let each = first; each < last; each += 1) person.send(BURST_TEXT, from);
      });
    }
  }
  talk(crowd, FIGURES);
  goHome(crowd);
}

const CALM = { phase: 'calm' };
const FLOOD = { phase: 'flood' };
