import { at, gather, goHome, talk } from '../lib/crowd.ts';
import { begin, figures, mine, optionsFor, type Start } from '../lib/run.ts';
import { summaryOf } from '../lib/summary.ts';

const SCENARIO = 'reconnect-storm';
const FIGURES = figures(SCENARIO);
const { PEOPLE, EVERY, WITHIN, DURATION } = FIGURES;
/** Seconds from the loss to the first who is back. */
const AWAY = 1;
/** None so late that its people are not back when sending ends. */
const STORMS = Math.max(Math.floor((DURATION - AWAY - WITHIN) / EVERY), 1);
/** Milliseconds that 99 of 100 may take from connecting to `live`, all at once as they come. */
const RESUME_P99_MS = 2_000;

export const options = optionsFor(FIGURES, {
  resumes: [`count==${PEOPLE * STORMS}`],
  resume_ms: [`p(99)<${RESUME_P99_MS}`],
  replayed: ['count>0'],
  acks: ['count>0'],
  closes: ['count==0'],
});
export const setup = begin;
export const handleSummary = summaryOf(SCENARIO);

/** Everyone loses the connection at once, and comes back for what was sent meanwhile. */
export default function people(start: Start): void {
  const crowd = gather(FIGURES, start);
  talk(crowd, FIGURES);
  const numbers = mine(FIGURES);
  for (let storm = 1; storm <= STORMS; storm += 1) {
    const lostAt = crowd.from + (storm * EVERY - AWAY - WITHIN) * 1_000;
    for (const [index, person] of crowd.people.entries()) {
      at(lostAt, () => person.drop());
      const part = (numbers[index] ?? 0) / PEOPLE;
      at(lostAt + (AWAY + part * WITHIN) * 1_000, () => person.connect());
    }
  }
  goHome(crowd);
}
