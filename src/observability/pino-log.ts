import { type DestinationStream, destination, pino, stdTimeFunctions } from 'pino';
import type { Log } from './log.ts';
import { Throttle, type ThrottleClock } from './throttle.ts';

/** Causes of causes that are written; a chain may be a ring. */
const CAUSES = 4;
const STDERR = 2;

export interface PinoLogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Never written, wherever they stand in a line. */
  readonly secrets: readonly string[];
  readonly clock?: ThrottleClock;
  /** Where lines go; stderr when absent. */
  readonly to?: DestinationStream;
}

/** A JSON line each: `{"level":"warn","time":"…","event":"replay_failed", …}`. Repeating lines are throttled. */
export function pinoLog({ level, secrets, clock = processClock, to }: PinoLogOptions): Log {
  const hidden = secrets.filter((secret) => secret.length > 0);
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'event',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { cause: (cause: unknown) => causeOf(cause, CAUSES) },
      redact: ['token', 'authorization', 'api_key', 'secret', '*.token', '*.authorization'],
    },
    without(hidden, to ?? stderr()),
  );
  const throttle = new Throttle(clock, (event, suppressed) => {
    logger.warn({ of: event, suppressed }, 'lines_suppressed');
  });
  const write =
    (at: 'debug' | 'info' | 'warn' | 'error'): Log['debug'] =>
    (event, about = {}) => {
      if (!logger.isLevelEnabled(at)) return;
      if (at === 'debug' || throttle.admits(event)) logger[at](about, event);
    };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

const processClock: ThrottleClock = {
  now: () => performance.now(),
  after: (ms, fn) => {
    setTimeout(fn, ms).unref();
  },
};

/** Written at once, so that the last lines of a crash are there. A reader that went away is no reason to stop. */
function stderr(): DestinationStream {
  const stream = destination({ dest: STDERR, sync: true });
  stream.on('error', () => {});
  return stream;
}

function without(secrets: readonly string[], to: DestinationStream): DestinationStream {
  if (secrets.length === 0) return to;
  return {
    write: (line) => {
      to.write(secrets.reduce((text, secret) => text.replaceAll(secret, '[redacted]'), line));
    },
  };
}

/** Name, message, stack and code of an error, and of its causes; what else hangs on it may be a request with its key. */
function causeOf(cause: unknown, depth: number): unknown {
  if (!(cause instanceof Error)) return cause;
  const code = 'code' in cause ? { code: cause.code } : {};
  const inner =
    cause.cause === undefined || depth === 1 ? {} : { cause: causeOf(cause.cause, depth - 1) };
  return { name: cause.name, message: cause.message, stack: cause.stack, ...code, ...inner };
}
