import type { MetricSummary, Report } from './report.ts';
import { reportPage } from './report-page.ts';
import { reportText } from './report-text.ts';
import { figures } from './run.ts';
import { isShort, SCENARIOS } from './scenarios.ts';

interface SummaryData {
  readonly metrics: Readonly<Record<string, MetricSummary>>;
}

/**
 * k6's `handleSummary`: text on stdout, and report.json and report.html in the folder OUT, if one is named. k6
 * keeps no series: the plots are drawn by `npm run perf`, which samples beside it and writes the page anew.
 */
export function summaryOf(scenario: string) {
  return ({ metrics }: SummaryData): Record<string, string> => {
    const report: Report = {
      scenario,
      about: SCENARIOS[scenario]?.about ?? '',
      at: new Date().toISOString(),
      isShort: isShort(__ENV),
      figures: { ...figures(scenario) },
      metrics,
      failures: [],
      facts: [],
      plots: [],
    };
    const out = __ENV['OUT'];
    if (out === undefined) return { stdout: reportText(report) };
    return {
      [`${out}/summary.txt`]: reportText(report),
      [`${out}/report.json`]: JSON.stringify(report, null, 1),
      [`${out}/report.html`]: reportPage(report),
    };
  };
}
