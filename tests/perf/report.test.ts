import { describe, expect, it } from 'vitest';
import {
  countRows,
  failuresOf,
  figuresLine,
  type Report,
  shortNumber,
  timeRows,
} from '../../perf/k6/lib/report.ts';
import { reportPage } from '../../perf/k6/lib/report-page.ts';
import { niceTop, plotSvg } from '../../perf/k6/lib/report-plot.ts';
import { reportText } from '../../perf/k6/lib/report-text.ts';
import { plotSheet } from '../../perf/run/sheet.ts';

const TIMES = { count: 3, avg: 5, med: 4, 'p(90)': 8, 'p(95)': 9, 'p(99)': 300, max: 320 };

function report(changes: Partial<Report> = {}): Report {
  return {
    scenario: 'baseline',
    about: 'people <talk>',
    at: '2026-01-02T03:04:05.000Z',
    isShort: true,
    figures: { PEOPLE: 100, STREAMS: 0 },
    metrics: {
      ack_ms: { type: 'trend', values: TIMES, thresholds: { 'p(99)<400': { ok: true } } },
      gaps: { type: 'counter', values: { count: 0, rate: 0 } },
    },
    failures: [],
    facts: [['store', 'sqlite']],
    plots: [{ title: 'Acks', unit: 'ms', curves: [{ name: 'p99', values: [1, null, 3] }] }],
    ...changes,
  };
}

const CROSSED: Report['metrics'] = {
  ack_ms: { type: 'trend', values: TIMES, thresholds: { 'p(99)<200': { ok: false } } },
  gaps: { type: 'counter', values: { count: 2 }, thresholds: { 'count==0': { ok: false } } },
};

describe('a report', () => {
  it('names each threshold that was crossed, with the value that crossed it', () => {
    expect(failuresOf(report({ metrics: CROSSED }))).toEqual([
      'ack_ms is 300, and was to be p(99)<200',
      'gaps is 2, and was to be count==0',
    ]);
  });

  it('fails for what failed besides the thresholds', () => {
    expect(failuresOf(report({ failures: ['the server ended with code 1'] }))).toHaveLength(1);
    expect(failuresOf(report())).toEqual([]);
  });

  it('has a row for each time that was measured, and none for one without a sample', () => {
    const none = { type: 'trend', values: { ...TIMES, count: 0 } };
    const rows = timeRows({ ...report().metrics, resume_ms: none });
    expect(rows.map(({ name }) => name)).toEqual(['ack_ms']);
    expect(rows[0]?.cells).toEqual(['3', '5', '4', '8', '9', '300', '320']);
  });

  it("leaves out k6's own counters that say nothing of the server, and reasons that did not occur", () => {
    const counter = (count: number) => ({ type: 'counter', values: { count, rate: 1 } });
    const rows = countRows({
      iterations: counter(3),
      acks: counter(1_234),
      'refusals{reason:mailbox_full}': counter(0),
      'refusals{reason:overloaded}': counter(2),
    });
    expect(rows).toEqual([
      { name: 'acks', cells: ['1,234', '1'] },
      { name: 'refusals{reason:overloaded}', cells: ['2', '1'] },
    ]);
  });

  it('gives the figures as they go into the environment', () => {
    expect(figuresLine(report({ figures: { PEOPLE: 5, EVERY: 0, RATE: 2 } }))).toBe(
      'PEOPLE=5 RATE=2',
    );
  });
});

describe('as text', () => {
  it('begins with the verdict', () => {
    expect(reportText(report())).toMatch(/^\nbaseline, short: passed\n/);
    expect(reportText(report({ metrics: CROSSED }))).toMatch(
      /baseline, short: FAILED\n {2}! ack_ms/,
    );
  });
});

describe('as a page', () => {
  it('needs nothing from anywhere', () => {
    const page = reportPage(report());
    expect(page).not.toMatch(/(src|href)=|@import|url\(|<script/);
    expect(page).toContain('<svg');
  });

  it('shows text as text', () => {
    const page = reportPage(report({ failures: ['k6 said <b>no</b> & "left"'] }));
    expect(page).toContain('people &lt;talk&gt;');
    expect(page).toContain('k6 said &lt;b&gt;no&lt;/b&gt; &amp; &quot;left&quot;');
  });

  it('says which thresholds held and which were crossed', () => {
    expect(reportPage(report())).toMatch(/p\(99\)&lt;400<\/td><td>held/);
    expect(reportPage(report({ metrics: CROSSED }))).toMatch(/count==0<\/td><td>crossed/);
  });
});

describe('a plot', () => {
  const svg = (values: readonly (number | null)[]) =>
    plotSvg({ title: '', unit: '', curves: [{ name: 'a', values }] });
  const drawn = (classes: string, values: readonly (number | null)[]) =>
    new RegExp(`<path class="${classes}" d="([^"]*)"`).exec(svg(values))?.[1] ?? '';

  it('parts its line where nothing was measured, and shows a value alone as a dot', () => {
    const values = [1, 2, null, 3, null, 4, 5];
    expect(drawn('c0', values)).toMatch(/^M[^ML]+L[^ML]+M[^ML]+L[^ML]+$/);
    expect(drawn('c0 dots', values)).toMatch(/^M[^M]+h0\.01$/);
  });

  it('keeps the peak of more seconds than it has room for', () => {
    const values = Array.from({ length: 10_000 }, (_, second) => (second === 7_001 ? 100 : 1));
    const heights = [...drawn('c0', values).matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, y]) =>
      Number(y),
    );
    expect(heights.length).toBeLessThan(600);
    expect(Math.min(...heights)).toBe(10);
  });

  it.for([
    [0, 1],
    [0.3, 0.5],
    [7, 10],
    [10, 10],
    [1_234, 2_000],
  ] as const)('reaches from 0 over %d to %d', ([value, top]) => {
    expect(niceTop(value)).toBe(top);
  });
});

it('draws the main plots of a run as one image, eight at most', () => {
  const curves = [{ name: 'p99', values: [1, 2] }];
  const titles = ['Waiting', 'CPU', 'Messages', 'Refusals', 'Turns', 'Connect to live'];
  const more = ['Send to delivery', 'Send to first token', 'REST calls', 'Heap of the server'];
  const plots = [...titles, ...more].map((title) => ({
    title,
    unit: 'ms',
    curves,
  }));
  const sheet = plotSheet(plots);
  const shown = [...sheet.matchAll(/class="t">([^<]+)/g)].map(([, title]) => title);
  expect(shown).toEqual([
    'Messages',
    'Turns',
    'REST calls',
    'Send to delivery',
    'Send to first token',
    'Connect to live',
    'Refusals',
    'CPU',
  ]);
  expect(sheet).not.toContain('var(');
});

it.for([
  [0, '0'],
  [0.1367, '0.14'],
  [12.34, '12.3'],
  [1_234_567.8, '1,234,568'],
] as const)('writes %d as %s', ([value, text]) => {
  expect(shortNumber(value)).toBe(text);
});
