import { type ProcessEvent, type ProcessState, processChart } from '../machines/process.ts';
import { insecureModes } from './cli/insecure-modes.ts';
import { type LoadedConfig, printable } from './config.ts';
import { startServer } from './http/server.ts';
import { logSecretsOf } from './log-secrets.ts';
import type { Log } from './observability/log.ts';
import { pinoLog } from './observability/pino-log.ts';
import { createRuntime } from './runtime.ts';

/** Milliseconds, beyond those that turns get, after which a drain that does not end is given up. */
const STUCK_MS = 15_000;
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** The server could not start. The message is one line for the person who started it. */
class StartError extends Error {
  override readonly name = 'StartError';
}

/** Runs the server until it is told to stop. Resolves when everything that was taken is durable and all is closed. */
export async function serve({ config, warnings }: LoadedConfig): Promise<void> {
  const secrets = await logSecretsOf(config, process.env);
  const log = pinoLog({ level: config.logLevel, secrets });
  const life = new Life(log);
  const told = toldToStop();
  crashLoudly(log);
  const runtime = await createRuntime({ config, log, env: process.env });
  const server = await startServer(runtime.edge, config);
  if (!server.ok) {
    await runtime.close();
    throw new StartError(`${server.failure}; choose another with --port`);
  }
  log.info('settings', printable(config));
  life.step('LISTENING');
  announce({ config, warnings }, server.value.port, runtime.edge.labels);
  runtime.startRetention();
  runtime.recoverTurns().catch((cause) => log.error('turn_recovery_failed', { cause }));
  const signal = await told;
  life.step('STOP', { signal });
  const takeBack = giveUpAfter(config.drainMs + STUCK_MS, log);
  server.value.stopListening();
  await runtime.drain();
  await server.value.close();
  await runtime.close();
  takeBack();
  life.step('DRAINED');
}

/** Where the process is in `machines/process.ts`. */
class Life {
  readonly #log: Log;
  #state: ProcessState = processChart.initial;

  constructor(log: Log) {
    this.#log = log;
  }

  step(event: ProcessEvent, about: Readonly<Record<string, unknown>> = {}): void {
    const next = processChart.next(this.#state, event);
    if (next === undefined) throw new Error(`${event} while ${this.#state}`);
    this.#state = next;
    this.#log.info(`process_${next}`, about);
  }
}

/** Resolves with the first signal; the second one ends the process at once. */
function toldToStop(): Promise<keyof typeof SIGNALS> {
  return new Promise((resolve) => {
    let isTold = false;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (isTold) process.exit(SIGNALS[signal]);
        isTold = true;
        resolve(signal);
      });
    }
  });
}

/** What nobody caught is a broken invariant: the store is safe, so the process ends and says why. */
function crashLoudly(log: Log): void {
  process.on('uncaughtException', (cause) => {
    log.error('process_crashed', { cause });
    process.exit(1);
  });
  // Who reads our output may go away; that is no reason to stop.
  process.stdout.on('error', () => {});
}

function giveUpAfter(ms: number, log: Log): () => void {
  const timer = setTimeout(() => {
    log.error('drain_stuck', { after_ms: ms });
    process.exit(1);
  }, ms);
  return () => clearTimeout(timer);
}

/** The lines that people want to see. */
function announce(
  { config, warnings }: LoadedConfig,
  port: number,
  labels: { readonly store: string; readonly agent: string; readonly embedder: string },
): void {
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  const lines = [
    `Colloquy is at http://${host}:${port}/`,
    `  store     ${labels.store}`,
    `  agent     ${labels.agent}`,
    `  embedder  ${labels.embedder}`,
    ...warnings.map((warning) => `  warning   ${warning}`),
    ...insecureModes(config).map((mode) => `  insecure  ${mode}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
