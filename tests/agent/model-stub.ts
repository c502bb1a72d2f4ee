import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One call that the stub got. */
export interface StubCall {
  readonly path: string;
  readonly body: {
    readonly model: string;
    readonly messages: readonly Record<string, string>[];
    readonly tools?: readonly { readonly function: Record<string, unknown> }[];
  };
  readonly headers: IncomingMessage['headers'];
  /** Sends a token; an empty one is a sign of life. */
  token(text: string): void;
  /** Asks for tools, the arguments in pieces of a few characters, as models do. */
  ask(...calls: readonly AskedTool[]): void;
  /** Sends any chunk, as it is. */
  event(data: unknown): void;
  /** Ends as a model does: `finish_reason`, usage, `[DONE]`. */
  finish(reason?: string): void;
  /** Ends the body politely, in the middle. */
  end(): void;
  /** Breaks the connection. */
  cut(): void;
  /** Answers with a status in place of a stream. */
  refuse(status: number, headers?: Record<string, string>, body?: unknown): void;
  /** Resolves when the connection of this call is closed; true when by the other side. */
  readonly closed: Promise<boolean>;
}

export interface AskedTool {
  readonly id?: string;
  readonly name: string;
  /** JSON, or text that is none. */
  readonly args: unknown;
}

export interface ModelStub {
  readonly url: string;
  readonly calls: readonly StubCall[];
  close(): Promise<void>;
}

/**
 * An OpenAI-compatible endpoint over plain HTTP for what ready-made ones do not do: stall, break off, be slow.
 * `answer` rules each call; the n-th gets `n` from 1.
 */
export async function startModelStub(
  answer: (call: StubCall, n: number) => void,
): Promise<ModelStub> {
  const calls: StubCall[] = [];
  const server = createServer(async (request, response) => {
    const call = await readCall(request, response);
    answer(call, calls.push(call));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function readCall(request: IncomingMessage, response: ServerResponse): Promise<StubCall> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const send = (data: unknown) => {
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
  };
  const chunk = (delta: object, finishReason: string | null) =>
    send({
      id: 'stub',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      choices: [{ index: 0, delta, finish_reason: finishReason }],
    });
  return {
    path: request.url ?? '',
    body: JSON.parse(Buffer.concat(parts).toString()),
    headers: request.headers,
    token: (content) => chunk({ role: 'assistant', content }, null),
    ask: (...calls) => {
      for (const [index, { id = `c${index}`, name, args }] of calls.entries()) {
        const text = typeof args === 'string' ? args : JSON.stringify(args);
        const tool = (more: object) =>
          chunk({ role: 'assistant', tool_calls: [{ index, ...more }] }, null);
        tool({ id, type: 'function', function: { name, arguments: '' } });
        for (const piece of text.match(/.{1,7}/gsu) ?? []) tool({ function: { arguments: piece } });
      }
    },
    event: send,
    finish: (reason = 'stop') => {
      chunk({}, reason);
      send({
        id: 'stub',
        object: 'chat.completion.chunk',
        created: 1,
        model: 'm',
        choices: [],
        usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
      });
      send('[DONE]');
      response.end();
    },
    end: () => response.end(),
    cut: () => response.destroy(),
    refuse: (
      status,
      headers = {},
      body = { error: { message: `no: ${request.headers.authorization}`, type: 'e', code: null } },
    ) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body));
    },
    closed: once(response, 'close').then(() => !response.writableEnded),
  };
}
