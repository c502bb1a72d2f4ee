import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';

/** One call of `ConverseStream` that the stub got. */
export interface ConverseCall {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into the request and say themselves what is there.
  readonly body: any;
  event(type: string, payload: object): void;
  token(text: string): void;
  /** An error inside the stream, by its name. */
  exception(type: string, message: string): void;
  finish(stopReason?: string): void;
  end(): void;
  cut(): void;
  refuse(status: number, type: string, headers?: Record<string, string>): void;
  readonly closed: Promise<unknown>;
}

export interface BedrockStub {
  readonly url: string;
  readonly calls: readonly ConverseCall[];
  close(): Promise<void>;
}

/**
 * Bedrock's `ConverseStream` over HTTP/2 in the clear, in the framing of `application/vnd.amazon.eventstream`
 * (docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html describes it).
 */
export async function startBedrockStub(
  answer: (call: ConverseCall, n: number) => void,
): Promise<BedrockStub> {
  const calls: ConverseCall[] = [];
  const server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', async (stream, headers) => {
    stream.on('error', () => {});
    const call = await readCall(stream, headers);
    answer(call, calls.push(call));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: async () => {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}

async function readCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<ConverseCall> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  const send = (head: Record<string, string>, payload: object) => {
    if (!stream.headersSent) {
      stream.respond({ ':status': 200, 'content-type': 'application/vnd.amazon.eventstream' });
    }
    stream.write(message(head, Buffer.from(JSON.stringify(payload))));
  };
  const json = { ':content-type': 'application/json' };
  const event = (type: string, payload: object) =>
    send({ ':event-type': type, ...json, ':message-type': 'event' }, payload);
  return {
    path: decodeURIComponent(headers[':path'] ?? ''),
    headers,
    body: JSON.parse(Buffer.concat(parts).toString()),
    event,
    token: (text) => event('contentBlockDelta', { contentBlockIndex: 0, delta: { text } }),
    exception: (type, text) =>
      send({ ':exception-type': type, ...json, ':message-type': 'exception' }, { message: text }),
    finish: (stopReason = 'end_turn') => {
      event('contentBlockStop', { contentBlockIndex: 0 });
      event('messageStop', { stopReason });
      event('metadata', {
        usage: { inputTokens: 7, outputTokens: 3, totalTokens: 10 },
        metrics: { latencyMs: 1 },
      });
      stream.end();
    },
    end: () => stream.end(),
    cut: () => stream.session?.destroy(),
    refuse: (status, type, more = {}) => {
      stream.respond({
        ':status': status,
        'content-type': 'application/json',
        'x-amzn-errortype': type,
        ...more,
      });
      stream.end(JSON.stringify({ message: 'no' }));
    },
    closed: once(stream, 'close'),
  };
}

/** Prelude (two lengths and their checksum), headers, payload, checksum. All numbers are big-endian. */
function message(head: Record<string, string>, payload: Buffer): Buffer {
  const headers = Buffer.concat(
    Object.entries(head).map(([name, value]) => {
      const text = Buffer.from(value);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(text.length);
      // 7 is the type of a string.
      return Buffer.concat([
        Buffer.from([Buffer.byteLength(name)]),
        Buffer.from(name),
        Buffer.from([7]),
        length,
        text,
      ]);
    }),
  );
  const prelude = Buffer.alloc(8);
  prelude.writeUInt32BE(12 + headers.length + payload.length + 4, 0);
  prelude.writeUInt32BE(headers.length, 4);
  const body = Buffer.concat([prelude, checksum(prelude), headers, payload]);
  return Buffer.concat([body, checksum(body)]);
}

function checksum(bytes: Buffer): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum;
}
