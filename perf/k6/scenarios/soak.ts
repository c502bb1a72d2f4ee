import { at, gather, goHome, talk } from '../lib/crowd.ts';
import { begin, figures, optionsFor, type Start } from '../lib/run.ts';
import { summaryOf } from '../lib/summary.ts';

const SCENARIO = 'soak';
const FIGURES = figures(SCENARIO);
const { EVERY, WITHIN } = FIGURES;
/** One of so many is away each time. */
const SHIFT = 10;

export const options = optionsFor(FIGURES, {
  resumes: ['count>0'],
  acks: ['count>0'],
  refusals: ['count==0'],
  closes: ['count==0'],
});
export const setup = () => begin(FIGURES);
export const handleSummary = summaryOf(SCENARIO);

/** A tenth of the people is away at any time, another tenth each time. */
export default function people(start: Start): void {
  const crowd = gather(FIGURES, start);
  talk(crowd, FIGURES);
  let shift = 0;
  for (let time = crowd.from; time + WITHIN * 1_000 < crowd.until; time += EVERY * 1_000) {
    const gone = crowd.people.filter((_, index) => index % SHIFT === shift % SHIFT);
    for (const person of gone) {
      at(time, () => person.drop());
      at(time + WITHIN * 1_000, () => person.connect());
    }
    shift += 1;
  }
  goHome(crowd);
}
