/** A model on an OpenAI-compatible endpoint. Imports nothing of a client: it is checked before one is loaded. */
export interface Endpoint {
  /** Absent for an endpoint that asks for none. Never logged, never in a message. */
  readonly apiKey: string | undefined;
  /** With its version: `http://127.0.0.1:11434/v1`. Absent: OpenAI's own. */
  readonly baseUrl: string | undefined;
  readonly model: string;
}

export const OPENAI_URL = 'https://api.openai.com/v1';

/** Every mistake in it, in words for the operator; the key is never among them. */
export function mistakesInEndpoint({ apiKey, baseUrl, model }: Endpoint): readonly string[] {
  const mistakes: string[] = [];
  if (baseUrl !== undefined) mistakes.push(...mistakesInUrl(baseUrl));
  if (!/^[\x21-\x7e]{1,200}$/u.test(model))
    mistakes.push('the model must be 1 to 200 characters without spaces');
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/u.test(apiKey))
    mistakes.push('the key has spaces, or characters that a header cannot carry');
  return mistakes;
}

function mistakesInUrl(text: string): readonly string[] {
  const url = URL.parse(text);
  if (url === null) return ['the base URL is not a URL, such as http://127.0.0.1:11434/v1'];
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return ['the base URL must begin with http:// or https://'];
  if (url.username !== '' || url.password !== '')
    return ['the base URL must carry no user or password; use the key'];
  if (url.search !== '' || url.hash !== '') return ['the base URL must end with its path'];
  return [];
}
