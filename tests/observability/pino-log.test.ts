import { describe, expect, it } from 'vitest';
import { type PinoLogOptions, pinoLog } from '../../src/observability/pino-log.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';

function logged(options: Partial<PinoLogOptions> = {}) {
  const lines: Array<Record<string, unknown>> = [];
  const clock = new SimulatedClock();
  const to = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const log = pinoLog({ level: 'info', secrets: [], clock, to, ...options });
  return { log, lines, clock };
}

describe('the log', () => {
  it('writes a line of JSON with level, time, event and what it is about', () => {
    const { log, lines } = logged();
    log.warn('replay_failed', { conversation_id: 'c' });
    expect(lines).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        event: 'replay_failed',
        conversation_id: 'c',
      },
    ]);
  });

  it('is silent below its level', () => {
    const { log, lines } = logged({ level: 'warn' });
    log.info('a');
    log.debug('b');
    log.error('c');
    expect(lines.map(({ event }) => event)).toEqual(['c']);
  });

  it('writes of an error its name, message, stack, code and causes, and not what hangs on it', () => {
    const { log, lines } = logged();
    const cause = Object.assign(new Error('inner'), { code: 'EIO', headers: { key: 'k' } });
    log.error('broke', { cause: new TypeError('outer', { cause }) });
    const [line] = lines;
    expect(line?.['cause']).toMatchObject({
      name: 'TypeError',
      message: 'outer',
      stack: expect.stringContaining('pino-log.test.ts'),
      cause: { message: 'inner', code: 'EIO' },
    });
    expect(JSON.stringify(line)).not.toContain('headers');
  });

  it('survives an error that is its own cause', () => {
    const { log, lines } = logged();
    const ring = new Error('ring');
    ring.cause = ring;
    log.error('broke', { cause: ring });
    expect(lines).toHaveLength(1);
  });

  it('writes no secret, wherever it stands', () => {
    const { log, lines } = logged({ secrets: ['sk-very-secret'] });
    log.warn('refused', { cause: new Error('401 for key sk-very-secret'), token: 'ey.a.b' });
    log.warn('refused', { headers: { authorization: 'Bearer x' } });
    const text = JSON.stringify(lines);
    expect(text).not.toMatch(/sk-very-secret|ey\.a\.b|Bearer x/);
    expect(text).toContain('401 for key [redacted]');
  });

  it('writes a repeating line 20 times in 10 s, then says how many more there were', async () => {
    const { log, lines, clock } = logged();
    for (let at = 0; at < 500; at += 1) log.warn('flood', { at });
    log.warn('other');
    expect(lines).toHaveLength(21);
    await clock.pass(10_000);
    expect(lines.at(-1)).toMatchObject({ event: 'lines_suppressed', of: 'flood', suppressed: 480 });
    log.warn('flood');
    expect(lines.at(-1)).toMatchObject({ event: 'flood' });
    await clock.pass(60_000);
    expect(lines).toHaveLength(23);
  });
});
