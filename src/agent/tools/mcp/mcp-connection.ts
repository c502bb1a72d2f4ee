/**
 * One connection to a Model Context Protocol server, from its beginning to its end, and the tools that the server
 * offered on it. The connections are our own and not those of LangChain's client for several servers: that one does
 * not say when a server goes away, and goes on offering its tools.
 */
import { loadMcpTools } from '@langchain/mcp-adapters';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import type { McpSettings } from './mcp-file.ts';

/** A tool as the server offers it. */
export type McpTool = Awaited<ReturnType<typeof loadMcpTools>>[number];

/** Milliseconds until a server must have said what it has. */
const CONNECT_MS = 15_000;
/** Milliseconds that a server gets to say that it is there, after a call failed. */
const PING_MS = 2_000;

export class McpConnection {
  readonly #client: Client;
  readonly #name: string;
  #tools: readonly McpTool[] = [];
  #isOpen = true;

  private constructor(name: string, client: Client) {
    this.#name = name;
    this.#client = client;
  }

  /** Connects and asks for the tools; throws when that takes too long or is not wanted any more, and leaves nothing open. */
  static async open(
    name: string,
    settings: McpSettings,
    unwanted: AbortSignal,
  ): Promise<McpConnection> {
    const client = new Client({ name: 'colloquy', version: '1' });
    const connection = new McpConnection(name, client);
    client.onclose = () => {
      connection.#isOpen = false;
    };
    // Told again by the call that fails.
    client.onerror = () => {};
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => connection.#load());
    try {
      await unlessAborted(connection.#begin(settings), unwanted);
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get tools(): readonly McpTool[] {
    return this.#tools;
  }

  /** Whether the server still knows this connection; one over HTTP may have forgotten it without a word. Closes it if not. */
  async isAlive(): Promise<boolean> {
    if (!this.#isOpen) return false;
    try {
      await this.#client.ping({ timeout: PING_MS });
    } catch {
      await this.close();
    }
    return this.#isOpen;
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#client.close().catch(() => {});
  }

  async #begin(settings: McpSettings): Promise<void> {
    await this.#client.connect(transportOf(settings), { timeout: CONNECT_MS });
    await this.#load();
  }

  async #load(): Promise<void> {
    // `as`: both take the same client; the adapter's type names its own copy of the package.
    const client = this.#client as unknown as Parameters<typeof loadMcpTools>[1];
    this.#tools = await loadMcpTools(this.#name, client, { throwOnLoadError: false });
  }
}

function transportOf(settings: McpSettings): Transport {
  if ('url' in settings) {
    const { url, headers } = settings;
    const options = headers === undefined ? {} : { requestInit: { headers } };
    return new StreamableHTTPClientTransport(new URL(url), options) as Transport;
  }
  const { command, args, env, cwd } = settings;
  // The environment of the server is not handed down, but for what a program needs to start (PATH, HOME, …).
  return new StdioClientTransport({
    command,
    args,
    stderr: 'ignore',
    ...(env === undefined ? {} : { env }),
    ...(cwd === undefined ? {} : { cwd }),
  });
}

function unlessAborted<T>(promise: Promise<T>, unwanted: AbortSignal): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new Error(`no answer after ${CONNECT_MS} ms`)),
    CONNECT_MS,
  );
  const signal = AbortSignal.any([unwanted, late.signal]);
  return new Promise<T>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
    promise.then(resolve, reject);
  }).finally(() => clearTimeout(timer));
}
