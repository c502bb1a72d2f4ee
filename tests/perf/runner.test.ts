import { describe, expect, it } from 'vitest';
import { figuresOf, SCENARIOS, secondsOf } from '../../perf/k6/lib/scenarios.ts';
import { HELP, readArguments } from '../../perf/run/arguments.ts';
import { StreamParser } from '../../perf/run/event-stream.ts';
import { collector } from '../../perf/run/load.ts';
import { plotsOf } from '../../perf/run/plots.ts';
import { noFindings } from '../../perf/run/reader.ts';
import { costFacts, countLog } from '../../perf/run/result.ts';
import { coresOf, readScrape, type Sample, sampleOf } from '../../perf/run/samples.ts';
import { Seconds } from '../../perf/run/seconds.ts';
import { keptIn, leaksIn } from '../../perf/run/soak.ts';
import { metricsOf } from '../../perf/run/streams.ts';

describe('the command line', () => {
  it('names a scenario, its form, its store, and flags for the server', () => {
    const args = ['peak', '--short', '--store', 'memory', '--out', 'x', '--', '--idle-ms', '10'];
    expect(readArguments(args, {})).toEqual({
      kind: 'run',
      scenario: 'peak',
      isShort: true,
      store: 'memory:',
      out: 'x',
      server: ['--idle-ms', '10'],
    });
  });

  it('is short where PERF_SHORT=1 says so', () => {
    expect(readArguments(['peak'], { PERF_SHORT: '1' })).toMatchObject({ isShort: true });
    expect(readArguments(['peak'], {})).toMatchObject({ isShort: false, store: 'sqlite' });
  });

  it('asks for help with --help, with --list, and with nothing', () => {
    for (const args of [[], ['--help'], ['-h'], ['--list'], ['peak', '--help']]) {
      expect(readArguments(args, {})).toEqual({ kind: 'help' });
    }
    for (const name of Object.keys(SCENARIOS)) expect(HELP).toContain(`\n  ${name} `);
  });

  it.for([
    [['paek'], "no scenario is called 'paek'. There are: baseline"],
    [['toString'], "no scenario is called 'toString'"],
    [['peak', 'soak'], 'one scenario at a time: soak?'],
    [['peak', '--fast'], '--fast'],
  ] as const)('says what is wrong with %j', ([args, what]) => {
    expect(readArguments(args, {})).toMatchObject({
      kind: 'mistake',
      what: expect.stringContaining(what),
    });
  });
});

describe('the figures of a scenario', () => {
  it.for(Object.keys(SCENARIOS))('of %s end within some minutes in the short form', (name) => {
    const figures = figuresOf(name, { PERF_SHORT: '1' });
    if (typeof figures === 'string') throw new Error(figures);
    const seconds = figures.RAMP + figures.DURATION;
    expect(seconds).toBeLessThanOrEqual(SCENARIOS[name]?.isSoak ? 120 : 60);
    expect(secondsOf(figures)).toBeGreaterThan(seconds);
  });

  it('are those of the environment where it has some', () => {
    expect(figuresOf('baseline', { PEOPLE: '7', RATE: '' })).toMatchObject({ PEOPLE: 7, RATE: 10 });
  });

  it.for([
    [{ PEOPLE: '0' }, 'PEOPLE=0 is not a number from 1'],
    [{ PEOPLE: 'many' }, 'PEOPLE=many is not a number'],
    [{ DURATION: '1e9' }, 'DURATION=1e9 is not a number from 1 to'],
    [{ RATE: '-1' }, 'RATE=-1 is not a number from 0'],
  ] as const)('are refused: %j', ([env, what]) => {
    expect(figuresOf('baseline', env)).toContain(what);
  });
});

describe("k6's memory", () => {
  it('is collected when it is large, and has room for each connection', () => {
    expect(collector(1_000, {}, 2 ** 34)).toEqual({ GOGC: 'off', GOMEMLIMIT: '1524MiB' });
    // Not more than a quarter of what the machine has.
    expect(collector(1_000, {}, 2 ** 31)).toEqual({ GOGC: 'off', GOMEMLIMIT: '512MiB' });
  });

  it('is what the environment says', () => {
    const given = { GOGC: '100', GOMEMLIMIT: '4GiB' };
    expect(collector(1_000, given)).toEqual(given);
  });
});

describe('a scrape', () => {
  const text = [
    '# HELP process_cpu_seconds_total Seconds.',
    'process_cpu_seconds_total 12.5',
    'colloquy_event_loop_lag_seconds{quantile="0.99"} 0.0042',
    'colloquy_event_loop_lag_seconds{quantile="1"} 0.1',
    'colloquy_connections 7',
    '',
  ].join('\n');

  it('is read into a sample, with NaN for what is not in it', () => {
    const sample = sampleOf(readScrape(text), { at: 3, loadCpuSeconds: 1 });
    expect(sample).toMatchObject({ at: 3, cpuSeconds: 12.5, connections: 7, loadCpuSeconds: 1 });
    expect(sample.lagP99Ms).toBeCloseTo(4.2);
    expect(sample.lagMaxMs).toBe(100);
    expect(sample.rssBytes).toBeNaN();
  });
});

function sample(at: number, changes: Partial<Sample> = {}): Sample {
  return {
    at,
    cpuSeconds: at / 2,
    rssBytes: 100e6,
    heapBytes: 50e6,
    lagP99Ms: 1,
    lagMaxMs: 2,
    connections: 10,
    mailboxDepth: 0,
    congested: 0,
    handles: 20,
    loadCpuSeconds: at / 4,
    ...changes,
  };
}

describe('samples', () => {
  it('give the cores used since the one before', () => {
    const samples = [sample(0), sample(1), sample(3, { cpuSeconds: 4.5 })];
    expect(coresOf(samples, 'cpuSeconds')).toEqual([null, 0.5, 2]);
  });

  it('tell the CPU of a message, and that the machine was full', () => {
    const metrics = {
      acks: { type: 'counter', values: { count: 1_000 } },
      deliveries: { type: 'counter', values: { count: 10_000 } },
    };
    const facts = costFacts([sample(0), sample(10)], { metrics, cores: 2 });
    expect(facts).toContainEqual([
      'CPU of the server by work',
      '5,000 µs a message, 500 µs a delivery',
    ]);
    expect(facts.map(([name]) => name)).not.toContain('note');
    const full = costFacts([sample(0), sample(10)], { metrics, cores: 0.8 });
    expect(full.map(([name]) => name)).toContain('note');
  });

  it('say so when there are none', () => {
    expect(costFacts([], { metrics: {}, cores: 2 })).toEqual([['server', 'was not sampled']]);
  });
});

describe("k6's samples, second by second", () => {
  function filled(): Seconds {
    const seconds = new Seconds();
    for (const line of [
      'metric_name,timestamp,metric_value,extra_tags',
      'acks,100,1,',
      'acks,100,1,',
      'acks,103,1,phase=calm',
      'ack_ms,100,4,',
      'ack_ms,100,40,',
      'not a sample',
    ]) {
      seconds.add(line);
    }
    return seconds;
  }

  it('are added up, from the first second to the last', () => {
    expect(filled().start).toBe(100);
    expect(filled().sums('acks')).toEqual([2, 0, 0, 1]);
  });

  it('have a curve of their own for each tag', () => {
    expect(filled().sums('acks{phase=calm}')).toEqual([0, 0, 0, 1]);
  });

  it('give quantiles within a hundredth, and none where nothing was', () => {
    const [first, ...rest] = filled().quantiles('ack_ms', 0.5);
    expect(first).toBeGreaterThan(3.96);
    expect(first).toBeLessThan(4.04);
    expect(filled().quantiles('ack_ms', 0.99)[0]).toBeGreaterThan(39.6);
    expect(rest).toEqual([null, null, null]);
  });

  it('lie beside the samples of the server in the plots', () => {
    const plots = plotsOf(filled(), [sample(100), sample(101), sample(103.2)]);
    const cpu = plots.find(({ title }) => title === 'CPU');
    expect(cpu?.curves[0]).toEqual({ name: 'server', values: [null, 0.5, 0.5, 0.5] });
    expect(plots.map(({ title }) => title)).toContain('Send to ack');
    expect(plots.map(({ title }) => title)).not.toContain('Turns');
  });
});

describe('a soak', () => {
  const samples = Array.from({ length: 120 }, (_, second) => sample(second));
  const over = (seconds: number, bytesAt: (second: number) => number) =>
    Array.from({ length: seconds / 5 }, (_, index) => ({
      at: index * 5,
      bytes: bytesAt(index * 5),
    }));

  it('passes when what is kept stays', () => {
    expect(
      leaksIn(
        over(120, (second) => 50e6 + (second % 10) * 1e4),
        samples,
      ),
    ).toEqual([]);
  });

  it('may grow while it warms up', () => {
    expect(
      leaksIn(
        over(120, (second) => Math.min(second, 40) * 2e6),
        samples,
      ),
    ).toEqual([]);
  });

  it('fails when what is kept grows by 2 MB a minute', () => {
    const leaks = leaksIn(
      over(120, (second) => 50e6 + (second * 2e6) / 60),
      samples,
    );
    expect(leaks).toEqual(['the heap grew by 2.00 MB a minute']);
  });

  it('fails when handles stay open', () => {
    const open = samples.map((each, second) => ({ ...each, handles: 20 + second }));
    const leaks = leaksIn(
      over(120, () => 50e6),
      open,
    );
    expect(leaks).toEqual([expect.stringMatching(/more handles were open at the end/)]);
  });

  it('says when it was too short to tell', () => {
    expect(
      leaksIn(
        over(50, () => 50e6),
        samples,
      ),
    ).toEqual(['the run was too short to tell a leak']);
  });

  it("reads what was kept from the server's log", () => {
    const log =
      'Colloquy is at …\n{"event":"collected","at":1500,"keptBytes":7}\n{"level":"warn"}\n';
    expect(keptIn(log)).toEqual([{ at: 1.5, bytes: 7 }]);
  });
});

describe('an event stream', () => {
  it('is parted into messages, wherever the pieces are cut', () => {
    const text =
      ':\n\nretry: 1000\n\nid: 4\nevent: event\ndata: {"seq":4}\n\ndata: {"type":"live"}\n\n';
    for (let cut = 0; cut < text.length; cut += 1) {
      const parser = new StreamParser();
      const messages = [...parser.add(text.slice(0, cut)), ...parser.add(text.slice(cut))];
      expect(messages).toEqual([
        { id: '4', data: '{"seq":4}' },
        { id: undefined, data: '{"type":"live"}' },
      ]);
    }
  });

  it('fails a run by a gap, a duplicate, or a stream that the server ended', () => {
    const good = { ...noFindings(), events: 5, deliveryMs: [1, 2, 3] };
    const crossed = (changes: object) =>
      Object.entries(metricsOf({ ...good, ...changes }, 200))
        .filter(([, { thresholds = {} }]) => Object.values(thresholds).some(({ ok }) => !ok))
        .map(([name]) => name);
    expect(crossed({})).toEqual([]);
    expect(crossed({ gaps: 1 })).toEqual(['stream_gaps']);
    expect(crossed({ duplicates: 1 })).toEqual(['stream_duplicates']);
    expect(crossed({ ends: 1 })).toEqual(['stream_ends']);
    expect(crossed({ events: 0 })).toEqual(['stream_events']);
    expect(crossed({ deliveryMs: [1, 500] })).toEqual(['stream_delivery_ms']);
  });
});

it("counts the errors and warnings of the server's log", () => {
  const log = 'Colloquy is at\n{"level":"warn","a":1}\n{"level":"error","event":"x"}\n';
  expect(countLog(log)).toEqual({
    errors: 1,
    warnings: 1,
    first: '{"level":"error","event":"x"}',
  });
});
