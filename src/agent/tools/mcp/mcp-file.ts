import { z } from 'zod';
import { err, ok, type Result } from '../../../domain/result.ts';

const PATTERN = z.string().regex(/^[A-Za-z0-9_./-]{1,128}\*?$/u, 'a name, or its beginning and *');

const SHARED = {
  /** Which calls people are asked about: `all`, `none`, or those of the tools named. */
  approval: z.union([z.enum(['all', 'none']), z.array(PATTERN).max(200)]).default('all'),
  /** The tools that agents may have; all of them when absent. */
  tools: z.array(PATTERN).max(200).optional(),
  timeout_ms: z.int().min(100).max(3_600_000).default(30_000),
};

const STDIO = z.strictObject({
  command: z.string().min(1).max(1_000),
  args: z.array(z.string().max(4_000)).max(100).default([]),
  env: z.record(z.string().max(200), z.string().max(10_000)).optional(),
  cwd: z.string().min(1).max(1_000).optional(),
  ...SHARED,
});

const HTTP = z.strictObject({
  url: z.url({ protocol: /^https?$/u }),
  headers: z.record(z.string().max(200), z.string().max(10_000)).optional(),
  ...SHARED,
});

/** `mcpServers` as other clients of the protocol have it, and what people are asked about. */
const FILE = z.strictObject({
  mcpServers: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,23}$/u), z.union([STDIO, HTTP])),
});

export type McpSettings = z.output<typeof STDIO> | z.output<typeof HTTP>;
export type McpServers = Readonly<Record<string, McpSettings>>;

const MAX_SERVERS = 32;

/** The servers that a file names, or every mistake in it. What it says of secrets is in none. */
export function readMcpFile(text: string): Result<McpServers, readonly string[]> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return err(['it is not JSON']);
  }
  const read = FILE.safeParse(json);
  if (!read.success) return err(read.error.issues.map(mistakeOf));
  const servers = read.data.mcpServers;
  if (Object.keys(servers).length > MAX_SERVERS) return err([`more than ${MAX_SERVERS} servers`]);
  return ok(servers);
}

function mistakeOf(issue: z.core.$ZodIssue): string {
  const at = issue.path.map(String).join('.');
  if (issue.code === 'invalid_key')
    return `${at}: a server is named by a-z, 0-9 and _, 24 characters at most`;
  if (issue.code !== 'invalid_union') return `${at || 'the file'}: ${issue.message}`;
  return `${at}: a server has a \`command\` (with \`args\`, \`env\`, \`cwd\`) or a \`url\` (with \`headers\`), and may have \`approval\`, \`tools\`, \`timeout_ms\``;
}

/** Whether a name is among these: as it is, or by its beginning and `*`. */
export function isNamed(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );
}

/** What must not get out: what the operator wrote to be sent to a server, or into its environment. */
export function secretsOfServer(settings: McpSettings): readonly string[] {
  const values = 'url' in settings ? settings.headers : settings.env;
  return Object.values(values ?? {})
    .flatMap((value) => [value, ...value.split(/\s+/u)])
    .filter((value) => value.length >= 6);
}
