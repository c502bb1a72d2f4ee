/**
 * One MCP server of the settings.
 *
 * Owns: its connection, and when it is tried again. Invariants:
 * S1. A server that cannot be reached costs a line in the log and its tools; nothing else waits for it longer than
 *     `PATIENCE_MS`.
 * S2. A call is sent once. A connection that is gone is made again before a call, never after it was sent.
 */
import { z } from 'zod';
import type { Breaker } from '../../../provider/breakers.ts';
import { ProviderFault } from '../../../provider/provider-fault.ts';
import { oneLine, shorten } from '../../../text/plain-text.ts';
import { checked, type Tool, type ToolContext, ToolError } from '../tool.ts';
import { McpConnection, type McpTool } from './mcp-connection.ts';
import { isNamed, type McpSettings, secretsOfServer } from './mcp-file.ts';

export interface McpServerOptions {
  readonly name: string;
  readonly settings: McpSettings;
  readonly breaker: Breaker;
  readonly report: (event: string, about: Readonly<Record<string, unknown>>) => void;
}

/** Milliseconds a turn waits for a server that is connecting; the latter when it could not be reached the last time. */
const PATIENCE_MS = 5_000;
const SHORT_PATIENCE_MS = 200;
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;
const MAX_TOOLS = 64;
const DESCRIPTION_CHARS = 1_000;
const SCHEMA_CHARS = 8_000;

export class McpServer {
  readonly #options: McpServerOptions;
  #connection: McpConnection | undefined;
  #connecting: Promise<void> | undefined;
  /** The tools of the list that the server gave last: schemas are made once. */
  #made: { readonly of: readonly McpTool[]; readonly tools: readonly Tool[] } | undefined;
  #failures = 0;
  #retryAt = 0;
  readonly #closing = new AbortController();

  constructor(options: McpServerOptions) {
    this.#options = options;
  }

  /** One of these names is a tool of this server. */
  isNeededFor(names: readonly string[]): boolean {
    return names.some((name) => name.startsWith(`${this.#options.name}__`));
  }

  /** The tools it offers; none while it is away. One that is needed is tried, and waited for until that is decided. */
  async tools(isNeeded = false): Promise<readonly Tool[]> {
    if (!this.#isUp && (isNeeded || performance.now() >= this.#retryAt)) void this.#connect();
    if (!this.#isUp && this.#connecting !== undefined)
      await (isNeeded ? this.#connecting : noLonger(this.#connecting, this.#patienceMs));
    if (!this.#isUp) return [];
    const offered = this.#connection?.tools ?? [];
    if (this.#made?.of !== offered) this.#made = { of: offered, tools: this.#toolsOf(offered) };
    return this.#made.tools;
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('closing'));
    await this.#connecting;
    await this.#connection?.close();
  }

  get #patienceMs(): number {
    return this.#failures === 0 ? PATIENCE_MS : SHORT_PATIENCE_MS;
  }

  get #isUp(): boolean {
    return this.#connection?.isOpen === true;
  }

  /** One connection is made at a time. */
  #connect(): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.resolve();
    this.#connecting ??= this.#try().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #try(): Promise<void> {
    const { name, settings, report } = this.#options;
    try {
      this.#connection = await McpConnection.open(name, settings, this.#closing.signal);
      this.#failures = 0;
      report('mcp_connected', { server: name, tools: this.#connection.tools.length });
    } catch (error) {
      this.#retryAt = performance.now() + Math.min(RETRY_MS * 2 ** this.#failures, MAX_RETRY_MS);
      this.#failures += 1;
      if (!this.#closing.signal.aborted)
        report('mcp_unavailable', { server: name, cause: this.#plain(error) });
    }
  }

  #toolsOf(offered: readonly McpTool[]): readonly Tool[] {
    const tools = offered.slice(0, MAX_TOOLS).flatMap((tool) => this.#toolOf(tool));
    return [...new Map(tools.map((tool) => [tool.name, tool])).values()];
  }

  /** Nothing for a tool that the settings leave out, or whose schema no model should be given. */
  #toolOf({ name: offered, description, schema }: McpTool): readonly Tool[] {
    const { name: server, settings } = this.#options;
    if (settings.tools !== undefined && !isNamed(offered, settings.tools)) return [];
    const parameters = schema as Readonly<Record<string, unknown>>;
    if (JSON.stringify(parameters).length > SCHEMA_CHARS) return [];
    const accepts = schemaOf(parameters);
    const { approval, timeout_ms: timeoutMs } = settings;
    return [
      {
        name: `${server}__${offered}`.replace(/[^A-Za-z0-9_-]/gu, '_').slice(0, 64),
        description: shorten(description, DESCRIPTION_CHARS),
        parameters,
        reaches: 'mcp',
        needsApproval:
          typeof approval === 'string' ? approval === 'all' : isNamed(offered, approval),
        timeoutMs,
        check: (args) => checked(accepts, args),
        run: (args, context) => this.#call(offered, args, context),
      },
    ];
  }

  async #call(name: string, args: unknown, { signal }: ToolContext): Promise<unknown> {
    const { breaker, settings } = this.#options;
    try {
      return await breaker.run(async () => {
        if (!this.#isUp) await this.#connect();
        const connection = this.#connection;
        if (connection === undefined || !connection.isOpen)
          throw new ProviderFault('unreachable', 'the MCP server is away');
        const tool = connection.tools.find((one) => one.name === name);
        if (tool === undefined)
          throw new ToolError('The server does not offer this tool any more.');
        const options = { signal, timeout: settings.timeout_ms };
        return await this.#sent(connection, () => tool.invoke({ ...(args as object) }, options));
      });
    } catch (error) {
      if (error instanceof ProviderFault && error.kind === 'cut')
        throw new ToolError(
          'The server of this tool went away; it is not known whether it was done.',
          {
            cause: error,
          },
        );
      throw error;
    }
  }

  async #sent(connection: McpConnection, send: () => Promise<unknown>): Promise<unknown> {
    try {
      return textOf(await send());
    } catch (error) {
      if (!(await connection.isAlive())) throw new ProviderFault('cut', this.#plain(error));
      throw new ToolError(this.#plain(error));
    }
  }

  /** What went wrong, without what the operator wrote to be kept. */
  #plain(error: unknown): string {
    let words = error instanceof Error ? error.message : String(error);
    for (const secret of secretsOfServer(this.#options.settings))
      words = words.replaceAll(secret, '[set]');
    return shorten(oneLine(words), 500);
  }
}

/** What the server said of its arguments, as far as it can be checked here; the server checks them, too. */
function schemaOf(parameters: Readonly<Record<string, unknown>>): z.ZodType {
  try {
    return z.fromJSONSchema(parameters as z.core.JSONSchema.JSONSchema);
  } catch {
    return z.record(z.string(), z.unknown());
  }
}

/** A result as text; what is none is named by its kind. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return JSON.stringify(content) ?? '';
  return content
    .map((block: { readonly type?: unknown; readonly text?: unknown }) =>
      typeof block.text === 'string' ? block.text : `[${String(block.type ?? 'content')}]`,
    )
    .join('\n');
}

function noLonger(promise: Promise<void>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    void promise.then(resolve, () => resolve()).finally(() => clearTimeout(timer));
  });
}
