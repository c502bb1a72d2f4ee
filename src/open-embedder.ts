import type { Config } from './config.ts';
import { Breakers, breakerName } from './provider/breakers.ts';
import type { Embedder, Embedders } from './search/embedder.ts';
import {
  DEFAULT_HASHING_DIMENSIONS,
  HASHING_VERSION,
  hashingEmbedder,
} from './search/hashing-embedder.ts';
import { openaiEmbedder } from './search/openai-embedder.ts';
import {
  DEFAULT_EMBEDDING_MODEL,
  mistakesInEmbedder,
  OPENAI_EMBEDDER_DEFAULTS,
  type OpenaiEmbedderOptions,
  ownDimensionsOf,
} from './search/openai-options.ts';
import { namedEmbedderOf } from './search/space-name.ts';

/** The embedder cannot be what was asked for. The message is for the operator, in one line, without secrets. */
class EmbedderOptionsError extends Error {
  override readonly name = 'EmbedderOptionsError';
}

/**
 * The embedders of the settings. Throws `EmbedderOptionsError` with every mistake at once. None calls
 * out before it gets the first text.
 */
export function openEmbeddersOf(config: Config, breakers = new Breakers()): Embedders {
  const configured = configuredOf(config, breakers);
  const opened = new Map<string, Embedder | undefined>();
  return {
    configured,
    ofSpace(name) {
      if (configured === undefined || name === configured.space.name) return configured;
      if (!opened.has(name)) opened.set(name, openSpace(config, name, breakers));
      return opened.get(name);
    },
  };
}

function configuredOf(config: Config, breakers: Breakers): Embedder | undefined {
  const { embedder, embeddingDimensions } = config;
  switch (embedder) {
    case 'none':
      return undefined;
    case 'hashing':
      return hashingEmbedder(embeddingDimensions ?? DEFAULT_HASHING_DIMENSIONS);
    case 'openai': {
      const model = config.embeddingModel?.replace(/^openai:/u, '') ?? DEFAULT_EMBEDDING_MODEL;
      const dimensions = embeddingDimensions ?? ownDimensionsOf(model);
      if (dimensions === undefined)
        throw refused([`set COLLOQUY_EMBEDDING_DIMENSIONS: vectors of ${model} have how many?`]);
      const options = optionsOf(config, model, dimensions);
      const mistakes = mistakesInEmbedder(options);
      if (mistakes.length > 0) throw refused(mistakes);
      return opened(options, breakers);
    }
    default:
      return embedder satisfies never;
  }
}

function refused(mistakes: readonly string[]): EmbedderOptionsError {
  const text = mistakes.join('; ');
  return new EmbedderOptionsError(`the embedder \`openai\` cannot be used: ${text}`);
}

/** An embedder that was current once, if what it needs is still there. */
function openSpace(config: Config, name: string, breakers: Breakers): Embedder | undefined {
  const named = namedEmbedderOf(name);
  if (named === undefined) return undefined;
  if (named.kind === 'hashing')
    return named.version === HASHING_VERSION ? hashingEmbedder(named.dimensions) : undefined;
  const options = optionsOf(config, named.model, named.dimensions);
  const isConfigured = options.apiKey !== undefined || options.baseUrl !== undefined;
  if (!isConfigured || mistakesInEmbedder(options).length > 0) return undefined;
  return opened(options, breakers);
}

/** All that is embedded at one endpoint by one model shares what is known of it. */
function opened(options: OpenaiEmbedderOptions, breakers: Breakers): Embedder {
  return openaiEmbedder(options, breakers.named(breakerName('embeddings', options.model), options));
}

/** The agent's key goes to the agent's endpoint only. */
function optionsOf(config: Config, model: string, dimensions: number): OpenaiEmbedderOptions {
  const { embeddingBaseUrl, embeddingApiKey, openaiBaseUrl, openaiApiKey } = config;
  const isOwn = embeddingBaseUrl !== undefined;
  return {
    ...OPENAI_EMBEDDER_DEFAULTS,
    model,
    dimensions,
    baseUrl: isOwn ? embeddingBaseUrl : openaiBaseUrl,
    apiKey: isOwn ? embeddingApiKey : (embeddingApiKey ?? openaiApiKey),
    timeoutMs: config.embeddingTimeoutMs,
  };
}
