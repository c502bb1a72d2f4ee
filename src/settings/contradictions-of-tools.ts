import { resolve } from 'node:path';

interface ToolSettings {
  readonly store: string;
  readonly queryDatabase: string | undefined;
  readonly queryRole: string | undefined;
  readonly webSearch: string;
  readonly webSearchUrl: string | undefined;
  readonly webSearchKey: string | undefined;
}

/** Settings of tools that are right by themselves, and make no sense together. */
export function contradictionsOfTools(config: ToolSettings): readonly string[] {
  const { queryDatabase, queryRole, webSearch, webSearchUrl, webSearchKey } = config;
  const found: string[] = [];
  if (queryDatabase !== undefined && placeOf(queryDatabase) === placeOf(config.store))
    found.push(
      'COLLOQUY_QUERY_DATABASE is the store: whoever asks the agent could read every conversation',
    );
  if (queryRole !== undefined && queryDatabase?.startsWith('postgres') !== true)
    found.push('COLLOQUY_QUERY_ROLE needs a COLLOQUY_QUERY_DATABASE of Postgres');
  if (webSearch === 'searxng' && webSearchUrl === undefined)
    found.push('COLLOQUY_WEB_SEARCH=searxng needs COLLOQUY_WEB_SEARCH_URL');
  if ((webSearch === 'tavily' || webSearch === 'brave') && webSearchKey === undefined)
    found.push(`COLLOQUY_WEB_SEARCH=${webSearch} needs COLLOQUY_WEB_SEARCH_KEY`);
  const protocol = webSearchUrl === undefined ? 'http:' : URL.parse(webSearchUrl)?.protocol;
  if (protocol !== 'http:' && protocol !== 'https:')
    found.push('COLLOQUY_WEB_SEARCH_URL must be a URL that begins with http:// or https://');
  return found;
}

/** The same for two addresses of one database, whoever logs in there. */
function placeOf(address: string): string {
  if (address.startsWith('sqlite:')) return resolve(address.slice('sqlite:'.length));
  const url = URL.parse(address);
  return url === null ? address : `${url.hostname}:${url.port || '5432'}${url.pathname}`;
}
