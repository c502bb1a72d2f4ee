import { now } from '../lib/clock.ts';
import { at, gather, goHome } from '../lib/crowd.ts';
import { brokenTurns, firstTokenMs, tokensPerSecond, turns } from '../lib/metrics.ts';
import type { Person } from '../lib/person.ts';
import { begin, figures, mine, optionsFor, type Start } from '../lib/run.ts';
import { summaryOf } from '../lib/summary.ts';

const SCENARIO = 'agent';
const FIGURES = figures(SCENARIO);
const { PEOPLE, TURNS, TOKENS, TOKENS_PER_SECOND, P99_MS } = FIGURES;
/** The first turns begin within the time that one takes: from then on all run, and as many end as begin. */
const SPREAD_MS = (TOKENS / TOKENS_PER_SECOND) * 1_000;
/** Of the pace asked for, this much at least must arrive, at the median. */
const LEAST_PACE = 0.9;

export const options = optionsFor(FIGURES, {
  turns: [`count==${TURNS}`],
  first_token_ms: [`p(99)<${P99_MS}`],
  tokens_per_second: [`med>${TOKENS_PER_SECOND * LEAST_PACE}`],
  refusals: ['count==0'],
  closes: ['count==0'],
});
export const setup = () => begin(FIGURES);
export const handleSummary = summaryOf(SCENARIO);

/** Everyone asks the agent in a conversation of their own, and asks again when it has answered. */
export default function people(start: Start): void {
  const crowd = gather(FIGURES, start);
  const numbers = mine(FIGURES);
  for (const [index, person] of crowd.people.entries()) {
    const number = numbers[index] ?? 0;
    const count = Math.floor(TURNS / PEOPLE) + (number < TURNS % PEOPLE ? 1 : 0);
    at(crowd.from + (number / PEOPLE) * SPREAD_MS, () => ask(person, count, crowd.until));
  }
  goHome(crowd);
}

/** Directions for the scripted agent, on a line of their own. */
const QUESTION = `\ntokens: ${TOKENS}; rate: ${TOKENS_PER_SECOND}`;

function ask(person: Person, left: number, until: number): void {
  const askedAt = now();
  if (left === 0 || askedAt > until) return;
  person.onTurn = ({ state, isWrong, firstAt, lastAt = 0 }, tokens) => {
    turns.add(1);
    brokenTurns.add(isWrong || state !== 'completed' || firstAt === undefined ? 1 : 0);
    if (firstAt !== undefined) {
      firstTokenMs.add(firstAt - askedAt);
      if (lastAt > firstAt) tokensPerSecond.add(((tokens - 1) * 1_000) / (lastAt - firstAt));
    }
    ask(person, left - 1, until);
  };
  person.send(QUESTION, askedAt);
}
