import { type Endpoint, mistakesInEndpoint } from '../provider/endpoint.ts';
import type { OpeningOptions } from '../provider/opening.ts';
import { EMBEDDING_DIMENSIONS, spaceNameOf } from './space-name.ts';

/** What the embedder on an endpoint needs to know. Imports nothing of LangChain: it is checked before that is loaded. */
export interface OpenaiEmbedderOptions extends Endpoint, OpeningOptions {
  /** Numbers of a vector. */
  readonly dimensions: number;
  /** Milliseconds one call may take. */
  readonly timeoutMs: number;
}

/** What asks for no decision. A search does not wait for long, and the work in the background tries again by itself. */
export const OPENAI_EMBEDDER_DEFAULTS = {
  timeoutMs: 10_000,
  retries: 2,
  retryBaseMs: 250,
  retryMaxMs: 10_000,
  breakerFailures: 5,
  breakerOpenMs: 30_000,
} as const satisfies Partial<OpenaiEmbedderOptions>;

export const DEFAULT_EMBEDDING_MODEL = 'text-embedding-3-small';

/** How long the vectors of OpenAI's own models are when nothing else is asked for. */
const OWN_DIMENSIONS: Readonly<Record<string, number>> = {
  'text-embedding-3-small': 1_536,
  'text-embedding-3-large': 3_072,
  'text-embedding-ada-002': 1_536,
};

/** Undefined for a model that is not one of OpenAI's. */
export function ownDimensionsOf(model: string): number | undefined {
  return Object.hasOwn(OWN_DIMENSIONS, model) ? OWN_DIMENSIONS[model] : undefined;
}

/** Whether the endpoint is asked for shorter vectors than the model has: only models that are known to do it are. */
export function isShortened({ model, dimensions }: OpenaiEmbedderOptions): boolean {
  return model.startsWith('text-embedding-3-') && dimensions !== ownDimensionsOf(model);
}

/** Every mistake in the options, in words for the operator; the key is never among them. */
export function mistakesInEmbedder(options: OpenaiEmbedderOptions): readonly string[] {
  const { model, dimensions } = options;
  const { least, most } = EMBEDDING_DIMENSIONS;
  const mistakes = [...mistakesInEndpoint(options)];
  if (!Number.isSafeInteger(dimensions) || dimensions < least || dimensions > most)
    mistakes.push(`the dimensions must be a whole number, ${least} to ${most}`);
  const own = ownDimensionsOf(model);
  if (own !== undefined && dimensions > own)
    mistakes.push(`vectors of ${model} have ${own} dimensions at most`);
  if (spaceNameOf({ kind: 'openai', model, dimensions }) === undefined)
    mistakes.push("the model's name is too long");
  return mistakes;
}
