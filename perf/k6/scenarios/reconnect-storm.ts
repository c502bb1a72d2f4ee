import { at, gather, goHome, talk } from '../lib/crowd.ts';
import { begin, figures, mine, optionsFor, type Start } from '../lib/run.ts';
import { summaryOf } from '../lib/summary.ts';

const SCENARIO = 'reconnect-storm';
const FIGURES = figures(SCENARIO);
const { PEOPLE, EVERY, WITHIN, DURATION } = FIGURES;
/** Seconds from the loss to the first who is back. */
const AWAY = 3;
/** Every other one loses the connection; the others go on, so that there is something to come back for. */
const isLost = (number: number) => number % 2 === 1;
const LOST = Math.floor(PEOPLE / 2);
/** None so late that its people are not back when sending ends. */
const STORMS = Math.max(Math.floor((DURATION - AWAY - WITHIN) / EVERY), 1);
/** Milliseconds that 99 of 100 may take from connecting to `live`, all at once as they come. */
const RESUME_P99_MS = 2_000;

export const options = optionsFor(FIGURES, {
  resumes: [`count==${LOST * STORMS}`],
  resume_ms: [`p(99)<${RESUME_P99_MS}`],
  replayed: ['count>0'],
  acks: ['count>0'],
  closes: ['count==0'],
});
export const setup = () => begin(FIGURES);
export const handleSummary = summaryOf(SCENARIO);

/** Half of the people lose the connection at once, and come back for what was sent meanwhile. */
export default function people(start: Start): void {
  const crowd = gather(FIGURES, start);
  talk(crowd, FIGURES);
  const numbers = mine(FIGURES);
  for (let storm = 1; storm <= STORMS; storm += 1) {
    const lostAt = crowd.from + (storm * EVERY - AWAY - WITHIN) * 1_000;
    for (const [index, person] of crowd.people.entries()) {
      const number = numbers[index] ?? 0;
      if (!isLost(number)) continue;
      at(lostAt, () => person.drop());
      const part = number / PEOPLE;
      at(lostAt + (AWAY + part * WITHIN) * 1_000, () => person.connect());
    }
  }
  goHome(crowd);
}
