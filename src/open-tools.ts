import { readFileSync } from 'node:fs';
import { AgentOptionsError } from './agent/open.ts';
import type { Database } from './agent/tools/database/database.ts';
import { type McpServers, readMcpFile } from './agent/tools/mcp/mcp-file.ts';
import type { ToolPorts } from './agent/tools/ports.ts';
import { Toolbox, type ToolChoice } from './agent/tools/toolbox.ts';
import type { Config } from './config.ts';
import type { Breakers } from './provider/breakers.ts';

/** Characters of the rows that a query gives. */
const QUERY_CHARS = 7_000;

/** The tools that the settings ask for. Throws `AgentOptionsError`, with a message for the operator. */
export async function openToolsOf(
  config: Config,
  { ports, breakers }: { readonly ports: ToolPorts; readonly breakers: Breakers },
): Promise<Toolbox> {
  const { webSearch: provider, webSearchUrl: url, webSearchKey: key, queryMs } = config;
  const database = await databaseOf(config, ports);
  const toolbox = await Toolbox.open({
    ports,
    breakers,
    database: database && { database, queryMs },
    webSearch: provider === 'none' ? undefined : { provider, url, key },
    mcp: config.mcpFile === undefined ? undefined : mcpIn(config.mcpFile),
  });
  const unknown = toolbox.unknownIn(choiceOf(config));
  if (unknown.length > 0)
    throw new AgentOptionsError(
      `there is no tool ${unknown.map((name) => `\`${name}\``).join(', ')}`,
    );
  return toolbox;
}

/** What the settings give an agent that says nothing of its own. */
export function choiceOf({ tools, toolApproval }: Config): ToolChoice {
  return { names: namesIn(tools), approval: namesIn(toolApproval) ?? [] };
}

/** Undefined for a list that was not given; `none` is an empty one. */
function namesIn(list: string | undefined): readonly string[] | undefined {
  if (list === undefined) return undefined;
  const names = list.split(/[\s,]+/u).filter((name) => name !== '');
  return names.length === 1 && names[0] === 'none' ? [] : names;
}

async function databaseOf(
  { queryDatabase: address, queryRole: role, queryMs, queryRows: maxRows }: Config,
  { report }: ToolPorts,
): Promise<Database | undefined> {
  if (address === undefined) return undefined;
  const limits = { queryMs, maxRows, maxChars: QUERY_CHARS };
  if (address.startsWith('sqlite:')) {
    const { sqliteDatabase } = await import('./agent/tools/database/sqlite.ts');
    return sqliteDatabase(address.slice('sqlite:'.length), limits);
  }
  const { postgresDatabase } = await import('./agent/tools/database/postgres.ts');
  return postgresDatabase({
    ...limits,
    url: address,
    role,
    onSuperuser: () => report('query_database_superuser', {}),
  });
}

function mcpIn(path: string): McpServers {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AgentOptionsError(
      `the file of MCP servers, ${path}, cannot be read: ${codeOf(cause)}`,
    );
  }
  const read = readMcpFile(text);
  if (read.ok) return read.value;
  throw new AgentOptionsError(`the file of MCP servers, ${path}: ${read.failure.join('; ')}`);
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'failed';
}
