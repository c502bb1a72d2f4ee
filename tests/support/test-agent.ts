import type { Agent, AgentChunk, TurnInput } from '../../actors/agent-port.ts';

/** One turn, as the agent was asked for it; a test says what it answers, and when. */
export class Asked {
  readonly input: TurnInput;
  readonly signal: AbortSignal;
  /** The stream was let go of by its reader. */
  isReturned = false;
  readonly #chunks: Array<AgentChunk | Error | 'end'> = [];
  #wake: () => void = () => {};

  constructor(input: TurnInput, signal: AbortSignal) {
    this.input = input;
    this.signal = signal;
  }

  /** Says these texts, one delta each. */
  say(...texts: string[]): this {
    return this.give(...texts.map((text) => ({ type: 'delta', text }) as const));
  }

  give(...chunks: AgentChunk[]): this {
    this.#chunks.push(...chunks);
    this.#wake();
    return this;
  }

  done(): void {
    this.give({ type: 'done' });
  }

  /** Ends the stream without `done`. */
  stop(): void {
    this.#chunks.push('end');
    this.#wake();
  }

  fail(cause: Error): void {
    this.#chunks.push(cause);
    this.#wake();
  }

  async *stream(): AsyncIterable<AgentChunk> {
    try {
      for (;;) {
        const next = this.#chunks.shift();
        if (next === 'end') return;
        if (next instanceof Error) throw next;
        if (next !== undefined) yield next;
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      }
    } finally {
      this.isReturned = true;
    }
  }
}

/** An agent that says what a test tells it to. It knows no abort: what it is asked goes on until it is told. */
export class TestAgent implements Agent {
  readonly label = 'test';
  readonly asked: Asked[] = [];
  /** What it says to every turn at once; nothing when undefined. */
  answers: ((input: TurnInput) => string) | undefined;

  answer(input: TurnInput, signal: AbortSignal): AsyncIterable<AgentChunk> {
    const asked = new Asked(input, signal);
    this.asked.push(asked);
    if (this.answers !== undefined) asked.say(this.answers(input)).done();
    return asked.stream();
  }

  /** The turn it was asked last. */
  get last(): Asked {
    const last = this.asked.at(-1);
    if (last === undefined) throw new Error('the agent was not asked');
    return last;
  }
}
