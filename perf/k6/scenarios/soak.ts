import { at, gather, goHome, talk } from '../lib/crowd.ts';
import { Person } from '../lib/person.ts';
import { begin, figures, mine, optionsFor, type Start, wsUrl } from '../lib/run.ts';
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

/** New people, each in a new conversation, at each change of shift and for each VU. */
const VISITORS = 10;

/** A tenth of the people is away, another tenth each time; and some come who were never there, for a word. */
export default function people(start: Start): void {
  const crowd = gather(FIGURES, start);
  talk(crowd, FIGURES);
  const first = mine(FIGURES)[0] ?? 0;
  let shift = 0;
  for (let time = crowd.from; time + WITHIN * 1_000 < crowd.until; time += EVERY * 1_000) {
    const gone = crowd.people.filter((_, index) => index % SHIFT === shift % SHIFT);
    for (const person of gone) {
      at(time, () => person.drop());
      at(time + WITHIN * 1_000, () => person.connect());
    }
    for (let visitor = 0; visitor < VISITORS; visitor += 1) {
      visit(`${start.run}-${first}-${shift}-${visitor}`, time);
    }
    shift += 1;
  }
  goHome(crowd);
}

function visit(conversationId: string, time: number): void {
  const person = new Person({ url: wsUrl(), name: conversationId, conversationId });
  at(time, () => {
    person.connect();
    person.send('a word', time);
  });
  at(time + WITHIN * 1_000, () => person.end());
}
