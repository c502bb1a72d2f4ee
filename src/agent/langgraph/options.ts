import { type Endpoint, mistakesInEndpoint } from '../../provider/endpoint.ts';
import type { OpeningOptions } from '../../provider/opening.ts';
import type { CourseLimits } from './course.ts';

/** What the model agent needs to know. Imports nothing of LangChain: options are checked before it is loaded. */
export interface ModelOptions extends Endpoint, OpeningOptions, CourseLimits {
  /** Put after the words that every turn begins with. */
  readonly systemPrompt: string | undefined;
  /** Tokens of the prompt at most (see `countTokens`). */
  readonly contextTokens: number;
  /** The newest messages that may be in the prompt. */
  readonly historyMessages: number;
  /** Characters; a longer answer is cut there, and the call closed. */
  readonly maxAnswerChars: number;
  /** Tokens the model may say; the endpoint's own limit when absent. */
  readonly maxOutputTokens: number | undefined;
  /** Milliseconds the model may take to its first token, in each attempt. */
  readonly firstTokenMs: number;
  /** Milliseconds between two tokens. */
  readonly stallMs: number;
}

/** What asks for no decision; a model is chosen by `openAgent`. */
export const MODEL_DEFAULTS = {
  apiKey: undefined,
  baseUrl: undefined,
  systemPrompt: undefined,
  contextTokens: 8_000,
  historyMessages: 200,
  maxAnswerChars: 10_000,
  maxOutputTokens: undefined,
  firstTokenMs: 30_000,
  stallMs: 15_000,
  maxModelCalls: 12,
  maxToolCalls: 24,
  retries: 3,
  retryBaseMs: 500,
  retryMaxMs: 20_000,
  breakerFailures: 5,
  breakerOpenMs: 60_000,
} as const satisfies Omit<ModelOptions, 'model'>;

const LEAST: Readonly<Record<string, number>> = {
  contextTokens: 100,
  historyMessages: 1,
  maxAnswerChars: 1,
  maxOutputTokens: 1,
  firstTokenMs: 1,
  stallMs: 1,
  maxModelCalls: 1,
  maxToolCalls: 0,
  retries: 0,
  retryBaseMs: 1,
  retryMaxMs: 1,
  breakerFailures: 1,
  breakerOpenMs: 1,
};

/** Every mistake in the options, in words for the operator; the key is never among them. */
export function mistakesIn(options: ModelOptions): readonly string[] {
  const mistakes: string[] = [...mistakesInEndpoint(options)];
  for (const [name, value] of Object.entries(options)) {
    const least = LEAST[name];
    if (least === undefined || value === undefined) continue;
    if (!Number.isSafeInteger(value) || value < least)
      mistakes.push(`${name} must be a whole number of at least ${least}`);
  }
  return mistakes;
}
