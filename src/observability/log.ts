/** Structured log lines: an event name and ids, no prose. Written by pino, set up in `main.ts`. */
export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}

type Write = (event: string, about?: Readonly<Record<string, unknown>>) => void;
