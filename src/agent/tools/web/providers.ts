import { z } from 'zod';
import { ProviderFault } from '../../../provider/provider-fault.ts';
import { plainOfHtml } from './plain-of-html.ts';

export interface WebSearchOptions {
  readonly provider: WebProviderName;
  /** Where it is; the provider's own address when absent. SearXNG has none. */
  readonly url: string | undefined;
  readonly key: string | undefined;
}

export interface JsonRequest {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** What a 403 means where it is not about a key; for the log. */
  readonly whenForbidden?: string;
}

interface WebResult {
  readonly title: string;
  readonly url: string;
  readonly text: string;
}

/** One web search over HTTP: an object here, and a name in `SEARCH_PROVIDERS`. */
export interface WebProvider {
  readonly needs: 'url' | 'key';
  readonly request: (
    query: string,
    options: WebSearchOptions & { maxResults: number },
  ) => JsonRequest;
  /** Throws `ProviderFault` for an answer that makes no sense. */
  readonly results: (answer: unknown) => readonly WebResult[];
}

const TITLE_CHARS = 150;
const TEXT_CHARS = 700;
const URL_CHARS = 300;
/** More words are refused with 422; the limit on characters is that of the tool. */
const BRAVE_WORDS = 50;

const FOUND = z.object({
  title: z.string().nullish(),
  url: z.string(),
  content: z.string().nullish(),
  description: z.string().nullish(),
});

const NO_JSON = '`json` must be among the `formats` of SearXNG';

/** An instance of SearXNG that answers in JSON. */
const searxng: WebProvider = {
  needs: 'url',
  request: (query, { url, key }) => {
    const at = endpoint(url, '', 'search');
    at.search = new URLSearchParams({ q: query, format: 'json' }).toString();
    const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
    return { url: at, method: 'GET', headers, whenForbidden: NO_JSON };
  },
  results: (answer) =>
    resultsIn(z.object({ results: z.array(z.unknown()) }), answer, (read) => read.results),
};

const tavily: WebProvider = {
  needs: 'key',
  request: (query, { url, key = '', maxResults }) => ({
    url: endpoint(url, 'https://api.tavily.com', 'search'),
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, max_results: maxResults, search_depth: 'basic' }),
  }),
  results: searxng.results,
};

const brave: WebProvider = {
  needs: 'key',
  request: (query, { url, key = '', maxResults }) => {
    const at = endpoint(url, 'https://api.search.brave.com', 'res/v1/web/search');
    const q = query.split(/\s+/u).slice(0, BRAVE_WORDS).join(' ');
    at.search = new URLSearchParams({ q, count: String(maxResults) }).toString();
    return { url: at, method: 'GET', headers: { 'x-subscription-token': key } };
  },
  results: (answer) =>
    resultsIn(
      z.object({ web: z.object({ results: z.array(z.unknown()) }).optional() }),
      answer,
      (read) => read.web?.results ?? [],
    ),
};

export const SEARCH_PROVIDERS = { searxng, tavily, brave } as const;
export type WebProviderName = keyof typeof SEARCH_PROVIDERS;

/** A path below the address of a service, whether that ends in a slash or not. */
function endpoint(url: string | undefined, otherwise: string, path: string): URL {
  const base = url ?? otherwise;
  return new URL(path, base.endsWith('/') ? base : `${base}/`);
}

function resultsIn<T>(
  schema: z.ZodType<T>,
  answer: unknown,
  listOf: (read: T) => readonly unknown[],
): readonly WebResult[] {
  const read = schema.safeParse(answer);
  if (!read.success) throw new ProviderFault('nonsense', 'the web search answered something else');
  return listOf(read.data).flatMap((one) => {
    const found = FOUND.safeParse(one);
    if (!found.success || !isWebAddress(found.data.url)) return [];
    const { title, url, content, description } = found.data;
    return [
      {
        title: plainOfHtml(title ?? '', TITLE_CHARS),
        url,
        text: plainOfHtml(content ?? description ?? '', TEXT_CHARS),
      },
    ];
  });
}

function isWebAddress(url: string): boolean {
  return url.length <= URL_CHARS && /^https?:$/u.test(URL.parse(url)?.protocol ?? '');
}
