import { readFileSync } from 'node:fs';
import { readAgentsFile } from './agent/agents-file.ts';
import { readMcpFile, secretsOfServer } from './agent/tools/mcp/mcp-file.ts';
import { type Config, secretsOf } from './config.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Where AWS's own tools take credentials from the environment. */
const AWS_SECRETS = [
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_BEARER_TOKEN_BEDROCK',
] as const;

/**
 * What no line of the log may hold: the secrets of the settings, the keys that the file of agents names, what is sent
 * to MCP servers, and AWS credentials. A file that cannot be read has none here: it stops the start by itself.
 */
export async function logSecretsOf(config: Config, env: Env): Promise<readonly string[]> {
  const { agentsFile, mcpFile } = config;
  const keys = agentsFile === undefined ? [] : await keysIn(agentsFile, env);
  const sent = mcpFile === undefined ? [] : sentIn(mcpFile);
  const all = [...secretsOf(config), ...keys, ...sent, ...AWS_SECRETS.map((name) => env[name])];
  return [...new Set(all)].filter((secret) => secret !== undefined && secret !== '') as string[];
}

async function keysIn(path: string, env: Env): Promise<readonly (string | undefined)[]> {
  const read = await readAgentsFile(textOf(path));
  return read.ok ? read.value.map(({ api_key_env: name }) => name && env[name]) : [];
}

function sentIn(path: string): readonly string[] {
  const read = readMcpFile(textOf(path));
  return read.ok ? Object.values(read.value).flatMap(secretsOfServer) : [];
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
