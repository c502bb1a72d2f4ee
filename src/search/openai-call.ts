/**
 * The one file that knows LangChain's embeddings.
 *
 * - `encodingFormat: 'float'` is said: left unsaid, the client asks for base64, which not every endpoint knows.
 * - No retries of the client's own: ours know Retry-After and the breaker.
 * - A client a call: it takes no signal, so its `fetch` carries ours, to the end of the body.
 */
import { OpenAIEmbeddings } from '@langchain/openai';

import { OPENAI_URL } from '../provider/endpoint.ts';
import { faultOf } from '../provider/provider-error.ts';
import { isShortened, type OpenaiEmbedderOptions } from './openai-options.ts';

/** As the endpoint gave them, unchecked. Throws `ProviderFault`. */
export async function askForEmbeddings(
  texts: readonly string[],
  signal: AbortSignal,
  options: OpenaiEmbedderOptions,
): Promise<unknown> {
  const embeddings = new OpenAIEmbeddings({
    model: options.model,
    // All are said, or the client takes them from OPENAI_* of the environment behind the configuration's back.
    apiKey: options.apiKey ?? 'none',
    configuration: {
      baseURL: options.baseUrl ?? OPENAI_URL,
      organization: null,
      project: null,
      fetch: (input, init) => {
        const signals = init?.signal ? [init.signal, signal] : [signal];
        return fetch(input, { ...init, signal: AbortSignal.any(signals) });
      },
    },
    ...(isShortened(options) ? { dimensions: options.dimensions } : {}),
    batchSize: texts.length,
    encodingFormat: 'float',
    stripNewLines: false,
    maxRetries: 0,
  });
  try {
    return await embeddings.embedDocuments([...texts]);
  } catch (error) {
    throw faultOf(error, options.apiKey);
  }
}
