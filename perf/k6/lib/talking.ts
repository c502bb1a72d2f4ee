import { gather, goHome, talk } from './crowd.ts';
import { begin, figures, inTime, optionsFor, type Start } from './run.ts';
import { summaryOf } from './summary.ts';

/** What a script exports in whose scenario people connect, talk and go home: only the figures differ. */
export function talking(scenario: string) {
  const own = figures(scenario);
  return {
    options: optionsFor(own, inTime(own)),
    setup: () => begin(own),
    handleSummary: summaryOf(scenario),
    people: (start: Start): void => {
      const crowd = gather(own, start);
      talk(crowd, own);
      goHome(crowd);
    },
  };
}
