import { at } from '../lib/crowd.ts';
import { finished } from '../lib/metrics.ts';
import { type Pass, Person } from '../lib/person.ts';
import { begin, figures, mine, optionsFor, type Start, wsUrl } from '../lib/run.ts';
import { summaryOf } from '../lib/summary.ts';

const SCENARIO = 'connection-storm';
const FIGURES = figures(SCENARIO);
const { PEOPLE, PER_ROOM, EVERY, WITHIN, DURATION, P99_MS } = FIGURES;
const STORMS = Math.max(Math.floor(DURATION / EVERY), 1);
/** Of the time between two storms, they stay connected for so much. */
const STAY = 0.7;

export const options = optionsFor(FIGURES, {
  connects: [`count==${PEOPLE * STORMS}`],
  connect_ms: [`p(99)<${P99_MS}`],
  closes: ['count==0'],
});
export const setup = () => begin(FIGURES);
export const handleSummary = summaryOf(SCENARIO);

/** Everyone connects at nearly the same time, and everyone goes; the same people each time. */
export default function people({ startAt, run }: Start): void {
  const passes = new Map<number, Pass>();
  for (let storm = 0; storm < STORMS; storm += 1) {
    const from = startAt + storm * EVERY * 1_000;
    for (const number of mine(FIGURES)) {
      const pass = passes.get(number) ?? { token: undefined };
      passes.set(number, pass);
      const conversationId = `${run}-${Math.floor(number / PER_ROOM)}`;
      const person = new Person({ url: wsUrl(), name: `p${number}`, conversationId, pass });
      at(from + (number / PEOPLE) * WITHIN * 1_000, () => person.connect());
      at(from + STAY * EVERY * 1_000, () => person.end());
    }
  }
  at(startAt + STORMS * EVERY * 1_000, () => finished.add(1));
}
