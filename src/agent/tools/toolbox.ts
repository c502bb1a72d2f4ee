import {
  BREAKER_DEFAULTS,
  type Breaker,
  type Breakers,
  breakerName,
} from '../../provider/breakers.ts';
import { currentTime } from './current-time.ts';
import type { Database } from './database/database.ts';
import { queryDatabaseTool } from './database/query-database.ts';
import { SchemaCache } from './database/schema-cache.ts';
import { isNamed, type McpServers } from './mcp/mcp-file.ts';
import type { McpServer } from './mcp/mcp-server.ts';
import type { ToolPorts } from './ports.ts';
import { searchConversationTool } from './search-conversation.ts';
import { searchDocumentsTool } from './search-documents.ts';
import type { Tool, ToolSource } from './tool.ts';
import type { WebSearchOptions } from './web/providers.ts';
import { webSearchTool } from './web/web-search.ts';

export interface ToolboxOptions {
  readonly ports: ToolPorts;
  readonly breakers: Breakers;
  /** For `query_database`, which is absent without it. */
  readonly database?: { readonly database: Database; readonly queryMs: number } | undefined;
  /** For `web_search`, which is absent without it. */
  readonly webSearch?: WebSearchOptions | undefined;
  readonly mcp?: McpServers | undefined;
}

/** What one agent may call. Names, or their beginning and `*`: `files__*` is all that the MCP server `files` has. */
export interface ToolChoice {
  /** Every tool there is when absent. */
  readonly names?: readonly string[] | undefined;
  /** People are asked before each call of these, besides those that the MCP file says. */
  readonly approval?: readonly string[] | undefined;
}

/**
 * Every tool that the settings give, for all agents of the process.
 *
 * Owns: the connections to MCP servers and to the database. Does not own: what a turn does with a tool (`call.ts`).
 */
export class Toolbox {
  readonly #fixed: readonly Tool[];
  readonly #schema: SchemaCache | undefined;
  readonly #options: ToolboxOptions;
  readonly #servers: readonly McpServer[];
  /** `query_database` for the tables that were read last. */
  #made: { readonly schema: string | undefined; readonly tool: Tool } | undefined;

  private constructor(options: ToolboxOptions, servers: readonly McpServer[]) {
    const { ports, breakers, database, webSearch } = options;
    this.#options = options;
    this.#servers = servers;
    this.#schema = database && new SchemaCache(database.database, ports);
    this.#fixed = [
      currentTime(ports.now),
      searchDocumentsTool(ports),
      searchConversationTool(ports),
      ...(webSearch ? [webSearchTool(webSearch, breakerOf(breakers, 'web_search'))] : []),
    ];
  }

  /** Loads what the settings ask for, and nothing else; waits for no server. */
  static async open(options: ToolboxOptions): Promise<Toolbox> {
    const named = Object.entries(options.mcp ?? {});
    if (named.length === 0) return new Toolbox(options, []);
    const { McpServer } = await import('./mcp/mcp-server.ts');
    const { report } = options.ports;
    const servers = named.map(([name, settings]) => {
      const breaker = breakerOf(options.breakers, 'mcp', name);
      return new McpServer({ name, settings, breaker, report });
    });
    return new Toolbox(options, servers);
  }

  /** Begins to connect, so that the first turn need not wait. */
  start(): void {
    for (const server of this.#servers) void server.tools();
    void this.#schema?.now();
  }

  async close(): Promise<void> {
    const { database } = this.#options;
    await Promise.all([
      ...this.#servers.map((server) => server.close()),
      database?.database.close(),
    ]);
  }

  /** Of these names, those that no tool has, nor could have: a mistake of who wrote them. */
  unknownIn({ names = [], approval = [] }: ToolChoice): readonly string[] {
    const known = [
      ...this.#fixed.map(({ name }) => name),
      ...(this.#schema ? ['query_database'] : []),
    ];
    const servers = Object.keys(this.#options.mcp ?? {});
    return [...names, ...approval].filter(
      (pattern) =>
        !known.some((name) => isNamed(name, [pattern])) &&
        !servers.some((server) => pattern.startsWith(`${server}__`)),
    );
  }

  /** The tools of one agent, looked up anew for each turn. */
  toolsFor({ names, approval = [] }: ToolChoice = {}): ToolSource {
    return async (needed = []) => {
      const [query, ...offered] = await Promise.all([
        this.#query(),
        ...this.#servers.map((server) => server.tools(server.isNeededFor(needed))),
      ]);
      return [...this.#fixed, ...query, ...offered.flat()]
        .filter(({ name }) => names === undefined || isNamed(name, names))
        .map((tool) => ({
          ...tool,
          needsApproval: tool.needsApproval || isNamed(tool.name, approval),
          onRan: (how, tookMs) => this.#options.ports.onRan(tool.name, how, tookMs),
        }));
    };
  }

  async #query(): Promise<readonly Tool[]> {
    const { database, breakers } = this.#options;
    if (database === undefined || this.#schema === undefined) return [];
    const schema = await this.#schema.now();
    if (this.#made === undefined || this.#made.schema !== schema) {
      const breaker = breakerOf(breakers, 'query_database');
      this.#made = { schema, tool: queryDatabaseTool({ ...database, breaker, schema }) };
    }
    return [this.#made.tool];
  }
}

/** One service is not asked everything at once, whoever asks. */
function breakerOf(breakers: Breakers, ...words: readonly string[]): Breaker {
  return breakers.named(breakerName('tool', ...words), {
    ...BREAKER_DEFAULTS,
    atOnce: 16,
    waiting: 64,
  });
}
