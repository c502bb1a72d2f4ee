// What a run found, as it is kept in report.json and shown as text and as a page.

export interface MetricSummary {
  readonly type: string;
  readonly contains?: string;
  readonly values: Readonly<Record<string, number>>;
  readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>;
}

/** A curve: one value for each second, null where there is none. */
export interface Curve {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

export interface Plot {
  readonly title: string;
  readonly unit: string;
  readonly curves: readonly Curve[];
}

export interface Report {
  readonly scenario: string;
  readonly about: string;
  /** When it ended, RFC 3339. */
  readonly at: string;
  readonly isShort: boolean;
  readonly figures: Readonly<Record<string, number>>;
  readonly metrics: Readonly<Record<string, MetricSummary>>;
  /** What failed besides the thresholds, a sentence each. */
  readonly failures: readonly string[];
  /** Name and value of what else is known: the machine, the server's flags. */
  readonly facts: readonly (readonly [string, string])[];
  readonly plots: readonly Plot[];
}

/** `baseline, short`. */
export function titleOf({ scenario, isShort }: Pick<Report, 'scenario' | 'isShort'>): string {
  return `${scenario}${isShort ? ', short' : ''}`;
}

/** `PEOPLE=100 RATE=10 …`: those that are not 0, as they go into the environment. */
export function figuresLine({ figures }: Pick<Report, 'figures'>): string {
  return Object.keys(figures)
    .filter((name) => figures[name] !== 0)
    .map((name) => `${name}=${figures[name]}`)
    .join(' ');
}

/** Sentences for all that failed: none is a pass. */
export function failuresOf({ metrics, failures }: Pick<Report, 'metrics' | 'failures'>): string[] {
  const crossed = Object.keys(metrics).flatMap((name) => {
    const { thresholds = {}, values } = metrics[name] as MetricSummary;
    return Object.keys(thresholds)
      .filter((threshold) => thresholds[threshold]?.ok === false)
      .map((threshold) => `${name} is ${valueFor(threshold, values)}, and was to be ${threshold}`);
  });
  return [...failures, ...crossed];
}

/** The value that a threshold looks at: `p(99)<200` is about `p(99)`. */
function valueFor(threshold: string, values: Readonly<Record<string, number>>): string {
  const name = /^\s*([a-z]+(?:\([\d.]+\))?)/.exec(threshold)?.[1] ?? '';
  const value = values[name];
  return value === undefined ? 'unknown' : shortNumber(value);
}

/** `0.14`, `12`, `1,234`. */
export function shortNumber(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 100) {
    return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
  }
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toPrecision(2);
}

export interface Row {
  readonly name: string;
  readonly cells: readonly string[];
}

/** Columns of times, by their names in k6. */
export const TIME_COLUMNS = ['count', 'avg', 'med', 'p(90)', 'p(95)', 'p(99)', 'max'];

/** The times that were measured, a row each; those without a sample are left out. */
export function timeRows(metrics: Report['metrics']): Row[] {
  return ownNames(metrics, 'trend')
    .filter((name) => (metrics[name]?.values['count'] ?? 0) > 0)
    .map((name) => ({
      name,
      cells: TIME_COLUMNS.map((column) => shortNumber(metrics[name]?.values[column] ?? Number.NaN)),
    }));
}

/** What was counted, a row each, with its rate a second. */
export function countRows(metrics: Report['metrics']): Row[] {
  return ownNames(metrics, 'counter')
    .filter((name) => !name.includes('{') || (metrics[name]?.values['count'] ?? 0) > 0)
    .map((name) => {
      const { count = 0, rate } = metrics[name]?.values ?? {};
      return { name, cells: [shortNumber(count), rate === undefined ? '' : shortNumber(rate)] };
    });
}

/** k6's own metrics that say nothing about the server. */
const NOISE =
  /^(iterations|iteration_duration|vus|vus_max|ws_sessions|ws_session_duration|http_req_(blocked|connecting|tls_handshaking|sending|receiving|waiting))/;

function ownNames(metrics: Report['metrics'], type: string): string[] {
  return Object.keys(metrics)
    .filter((name) => metrics[name]?.type === type && !NOISE.test(name))
    .sort();
}
