import {
  countRows,
  failuresOf,
  figuresLine,
  type Plot,
  type Report,
  type Row,
  TIME_COLUMNS,
  timeRows,
  titleOf,
} from './report.ts';
import { plotSvg } from './report-plot.ts';

/** The report as one page that needs nothing beside it: it opens from disk, without a network. */
export function reportPage(report: Report): string {
  const failures = failuresOf(report);
  const isPassed = failures.length === 0;
  const title = titleOf(report);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)}: ${isPassed ? 'passed' : 'failed'}</title><style>${STYLE}</style></head><body>
<h1>${escaped(title)} <span class="${isPassed ? 'good' : 'bad'}">${isPassed ? 'passed' : 'failed'}</span></h1>
<p>${escaped(report.about)}${report.isShort ? ' (in full; this is the short form)' : ''}. ${escaped(report.at)}.<br><code>${escaped(figuresLine(report))}</code></p>
${isPassed ? '' : `<ul class="bad">${failures.map((failure) => `<li>${escaped(failure)}</li>`).join('')}</ul>`}
<div class="plots">${report.plots.map(figure).join('')}</div>
<h2>Times, in milliseconds</h2>
${table(['', ...TIME_COLUMNS], timeRows(report.metrics))}
<h2>Counts</h2>
${table(['', 'count', 'a second'], countRows(report.metrics))}
<h2>Thresholds</h2>
${table(['', 'was to be', ''], thresholdRows(report.metrics))}
<h2>About the run</h2>
<dl>${report.facts.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`).join('')}</dl>
</body></html>
`;
}

function figure(plot: Plot): string {
  const names = plot.curves.map(
    ({ name }, index) => `<span><i class="c${index}"></i>${escaped(name)}</span>`,
  );
  return `<figure><figcaption><b>${escaped(plot.title)}</b>, ${escaped(plot.unit)} ${names.join(' ')}</figcaption>${plotSvg(plot)}</figure>`;
}

function table(head: readonly string[], rows: readonly Row[]): string {
  const cells = (tag: string, row: readonly string[]) =>
    row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('');
  const body = rows.map(({ name, cells: rest }) => `<tr>${cells('td', [name, ...rest])}</tr>`);
  return `<table><thead><tr>${cells('th', head)}</tr></thead><tbody>${body.join('')}</tbody></table>`;
}

function thresholdRows(metrics: Report['metrics']): Row[] {
  return Object.keys(metrics)
    .sort()
    .flatMap((name) => {
      const thresholds = metrics[name]?.thresholds ?? {};
      return Object.keys(thresholds)
        .filter((threshold) => threshold !== 'count>=0')
        .map((threshold) => ({
          name,
          cells: [threshold, thresholds[threshold]?.ok === false ? 'crossed' : 'held'],
        }));
    });
}

function escaped(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;');
}

const STYLE = `
:root{color-scheme:light dark;--fg:#1d2430;--bg:#fff;--soft:#68738a;--line:#dfe3ea;--good:#127a3d;--bad:#b3261e;--c0:#2563eb;--c1:#d97706;--c2:#0f9d6b;--c3:#b02a8f;--c4:#6b7280}
@media(prefers-color-scheme:dark){:root{--fg:#e6e9ef;--bg:#14181f;--soft:#97a1b5;--line:#2b3240;--good:#4ade80;--bad:#ff8a80;--c0:#7aa5ff;--c1:#f5b04c;--c2:#4fd1a1;--c3:#e58ad0;--c4:#a5adbb}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:1340px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
.good{color:var(--good)}.bad{color:var(--bad)}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:1rem 1.5rem;margin-top:1.5rem}
figure{margin:0}figcaption{font-size:.85rem;color:var(--soft)}figcaption b{color:var(--fg)}figcaption span{margin-left:.6rem;white-space:nowrap}
figcaption i{display:inline-block;width:.8em;height:.2em;vertical-align:middle;margin-right:.3em}
svg{width:100%;height:auto;font-size:11px}svg text{fill:var(--soft)}.grid{stroke:var(--line)}
path{fill:none;stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}path.dots{stroke-width:4}
${[0, 1, 2, 3, 4].map((index) => `path.c${index}{stroke:var(--c${index})}i.c${index}{background:var(--c${index})}`).join('')}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:.15rem .8rem;text-align:right;border-bottom:1px solid var(--line)}
td:first-child,th:first-child{text-align:left;padding-left:0}th{font-weight:600;color:var(--soft)}
dt{color:var(--soft)}dd{margin:0 0 .4rem}`;
