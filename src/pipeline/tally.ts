import type { AgentChunk, TurnInput } from '../../actors/agent-port.ts';
import type { Usage } from '../domain/event.ts';
import type { Message } from '../domain/message.ts';

const NOTHING: Usage = { input_tokens: 0, output_tokens: 0 };

/**
 * The tokens of one turn, all its attempts together: what the provider says of them, and where it says nothing, what
 * was shown to the model and said by it, counted. An attempt that says at once what it took so far goes on from the
 * one before; any other begins anew.
 */
export class Tally {
  /** The turn for the agent: what it reads of the history is noted. */
  readonly input: TurnInput;
  readonly #maxInputTokens: number;
  /** Of attempts that are over. */
  #before = NOTHING;
  #said: Usage | undefined;
  #read: readonly Message[] = [];
  #text = '';
  #mayGoOn = false;
  #isOver = false;

  /** `maxInputTokens` of a prompt; 0 where there is no model, and nothing is counted. */
  constructor(input: TurnInput, maxInputTokens: number) {
    this.#maxInputTokens = maxInputTokens;
    this.input = {
      ...input,
      history: async (limit) => {
        this.#read = await input.history(limit);
        return this.#read;
      },
    };
  }

  /** The chunk, with the whole turn's usage in it. */
  take(chunk: AgentChunk): AgentChunk {
    if (chunk.type === 'restarted') {
      this.#mayGoOn = true;
      return chunk;
    }
    if (chunk.type === 'usage') {
      this.#mayGoOn = false;
      this.#said = chunk.usage;
      this.#text = '';
      return { type: 'usage', usage: sum(this.#before, chunk.usage) };
    }
    if (this.#mayGoOn) this.#beginAnew();
    if (chunk.type === 'delta') this.#text += chunk.text;
    return chunk;
  }

  /** What the turn took; undefined where there is nothing to count, and the second time. */
  async end(): Promise<Usage | undefined> {
    if (this.#isOver) return undefined;
    this.#isOver = true;
    const said = this.#said === undefined ? undefined : sum(this.#before, this.#said);
    if (this.#maxInputTokens === 0 || this.#text === '') return said;
    // It broke off before the provider said anything, or does not say it.
    return sum(said ?? this.#before, { ...(await this.#counted()), estimated: true });
  }

  #beginAnew(): void {
    this.#mayGoOn = false;
    if (this.#said !== undefined) this.#before = sum(this.#before, this.#said);
    this.#said = undefined;
    this.#text = '';
  }

  async #counted(): Promise<Usage> {
    const { countTokens } = await import('../provider/tokens.ts');
    let input = 0;
    for (const { body } of this.#said === undefined ? this.#read.toReversed() : []) {
      if (input >= this.#maxInputTokens) break;
      input += countTokens(body.content ?? '');
    }
    return {
      input_tokens: Math.min(input, this.#maxInputTokens),
      output_tokens: countTokens(this.#text),
    };
  }
}

function sum(one: Usage, other: Usage): Usage {
  const isEstimated = one.estimated === true || other.estimated === true;
  return {
    input_tokens: one.input_tokens + other.input_tokens,
    output_tokens: one.output_tokens + other.output_tokens,
    ...(isEstimated ? { estimated: true } : {}),
  };
}
