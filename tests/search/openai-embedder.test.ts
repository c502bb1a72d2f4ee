import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { LLMock } from '@copilotkit/aimock';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ProviderFault } from '../../src/provider/provider-fault.ts';
import type { Embedder } from '../../src/search/embedder.ts';
import { openaiEmbedder } from '../../src/search/openai-embedder.ts';
import {
  OPENAI_EMBEDDER_DEFAULTS,
  type OpenaiEmbedderOptions,
} from '../../src/search/openai-options.ts';
import { granted, refusal } from '../contract/fixtures.ts';

const KEY = 'sk-very-secret-key-0123456789';

function embedderAt(baseUrl: string, more: Partial<OpenaiEmbedderOptions> = {}): Embedder {
  return openaiEmbedder({
    ...OPENAI_EMBEDDER_DEFAULTS,
    apiKey: KEY,
    baseUrl,
    model: 'text-embedding-3-small',
    dimensions: 1_536,
    retryBaseMs: 5,
    ...more,
  });
}

/** Why an embedding failed. */
async function faultOf(embedder: Embedder, signal?: AbortSignal): Promise<ProviderFault> {
  const { reason, cause } = refusal(await embedder.embed(['hi'], signal));
  expect(reason).toBe('embedder_unavailable');
  if (cause instanceof ProviderFault) return cause;
  throw new Error('no fault', { cause });
}

function cosine(a: Float32Array = new Float32Array(), b = a): number {
  return a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
}

const lengthOf = (vector: Float32Array | undefined) => Math.sqrt(cosine(vector));

describe('an embedder on a real endpoint', () => {
  const mock = new LLMock({ port: 0 });
  beforeAll(() => mock.start());
  afterAll(() => mock.stop());
  afterEach(() => mock.reset());

  it('gives vectors of length 1, in the order of the texts, in one call', async () => {
    const embedder = embedderAt(`${mock.url}/v1`);
    expect(embedder.space).toEqual({
      name: 'openai:text-embedding-3-small:1536',
      dimensions: 1_536,
    });
    const texts = ['one', 'two', 'three', 'two'];
    const vectors = granted(await embedder.embed(texts));
    expect(mock.getRequests()).toHaveLength(1);
    for (const vector of vectors) expect(lengthOf(vector)).toBeCloseTo(1, 5);
    expect(vectors[1]).toEqual(vectors[3]);
    expect(vectors[0]).not.toEqual(vectors[1]);
    expect(granted(await embedder.embed(['three']))[0]).toEqual(vectors[2]);
  });

  it('asks for shorter vectors where the model is known to make them', async () => {
    const embedder = embedderAt(`${mock.url}/v1`, { dimensions: 256 });
    const [vector] = granted(await embedder.embed(['hi']));
    expect(vector).toHaveLength(256);
    expect(lengthOf(vector)).toBeCloseTo(1, 5);
  });

  it('sends nothing of a text that is blank, and gives it a vector all the same', async () => {
    const embedder = embedderAt(`${mock.url}/v1`);
    const [blank, other, text] = granted(await embedder.embed([' ', '\n', 'hi']));
    expect(blank).toEqual(other);
    expect(lengthOf(blank)).toBeCloseTo(1, 5);
    expect(Math.abs(cosine(blank, text))).toBeLessThan(0.2);
    expect(mock.getRequests()).toHaveLength(1);
    granted(await embedder.embed(['']));
    expect(mock.getRequests()).toHaveLength(1);
  });

  it('asks again after a 500', async () => {
    mock.nextRequestError(500, { message: 'oh' });
    granted(await embedderAt(`${mock.url}/v1`).embed(['hi']));
    expect(mock.getRequests()).toHaveLength(2);
  });

  it('fails when the endpoint answers 500 for ever, and says no secret', async () => {
    mock.setChaos({ disconnectRate: 1 });
    const embedder = embedderAt(`${mock.url}/v1`, { retries: 1 });
    const fault = await faultOf(embedder);
    mock.clearChaos();
    expect(fault.breaks).toBe(true);
    expect(inspect(fault, { depth: 10, showHidden: true })).not.toContain(KEY);
  });
});

type Answer = (response: ServerResponse, call: Call, n: number) => void;

interface Call {
  readonly body: { readonly input: readonly string[] } & Readonly<Record<string, unknown>>;
  readonly headers: IncomingMessage['headers'];
}

/** An endpoint that does what ready-made ones do not. */
class Stub {
  readonly calls: Call[] = [];
  readonly #server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const call = { body: JSON.parse(Buffer.concat(parts).toString()), headers: request.headers };
    this.#answer(response, call, this.calls.push(call));
  });
  readonly #answer: Answer;

  constructor(answer: Answer) {
    this.#answer = answer;
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function slowDown(response: ServerResponse, seconds: number): void {
  response.setHeader('retry-after', String(seconds));
  reply(response, 429, { error: {} });
}

/** Vectors as endpoints give them. */
function vectors(embeddings: readonly unknown[]) {
  const data = embeddings.map((embedding, index) => ({ object: 'embedding', index, embedding }));
  return { object: 'list', model: 'm', data, usage: { prompt_tokens: 1, total_tokens: 1 } };
}

const goodFor = ({ body }: Call, dimensions = 16) =>
  vectors(body.input.map(() => Array.from({ length: dimensions }, (_, at) => at + 1)));

describe('an embedder on a stubborn endpoint', () => {
  let stub: Stub | undefined;
  const OWN = { model: 'BAAI/bge-m3', dimensions: 16 };

  async function on(answer: Answer, more: Partial<OpenaiEmbedderOptions> = {}) {
    stub = new Stub(answer);
    const embedder = embedderAt(await stub.start(), { ...OWN, ...more });
    return { embedder, stub };
  }

  afterEach(async () => {
    vi.useRealTimers();
    await stub?.close();
    stub = undefined;
  });

  it('asks for plain numbers, sends the key, and no dimensions to a model that may not know them', async () => {
    const { embedder, stub } = await on((response, call) => reply(response, 200, goodFor(call)));
    const [vector] = granted(await embedder.embed(['a\nb \ud800', 'x'.repeat(50_000)]));
    expect(embedder.space.name).toBe('openai:BAAI~2fbge-m3:16');
    expect(lengthOf(vector)).toBeCloseTo(1, 5);
    const { body, headers } = stub.calls[0] ?? {};
    expect(headers?.authorization).toBe(`Bearer ${KEY}`);
    expect(body).toEqual({
      model: 'BAAI/bge-m3',
      encoding_format: 'float',
      input: ['a\nb \ufffd', 'x'.repeat(8_000)],
    });
  });

  it('takes nothing from the environment behind the configuration’s back', async () => {
    vi.stubEnv('OPENAI_API_KEY', 'sk-another');
    vi.stubEnv('OPENAI_ORG_ID', 'org-another');
    vi.stubEnv('OPENAI_PROJECT_ID', 'proj-another');
    vi.stubEnv('OPENAI_BASE_URL', 'http://127.0.0.1:1/v1');
    const { embedder, stub } = await on((response, call) => reply(response, 200, goodFor(call)), {
      apiKey: undefined,
    });
    granted(await embedder.embed(['hi']));
    vi.unstubAllEnvs();
    expect(JSON.stringify(stub.calls[0]?.headers)).not.toContain('another');
  });

  it('waits as long as a 429 asks, and gives up one that asks for too long', async () => {
    const { embedder, stub } = await on((response, call, n) => {
      if (n === 1) slowDown(response, 1);
      else if (n === 2) reply(response, 200, goodFor(call));
      else slowDown(response, 3_600);
    });
    const startedAt = performance.now();
    granted(await embedder.embed(['hi']));
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(990);
    const refused = refusal(await embedder.embed(['hi']));
    expect(refused).toMatchObject({ retryAfterMs: 3_600_000 });
    expect(stub.calls).toHaveLength(3);
  });

  it.each([
    ['before the head', (_: ServerResponse) => undefined],
    [
      'in the body',
      (response: ServerResponse) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{"data":[');
      },
    ],
  ])('gives up one that stalls %s, and closes the call', async (_, stall) => {
    let closed: Promise<unknown> | undefined;
    const answer: Answer = (response) => {
      closed = once(response, 'close');
      stall(response);
    };
    const { embedder, stub } = await on(answer, { timeoutMs: 100 });
    expect((await faultOf(embedder)).kind).toBe('late');
    await closed;
    expect(stub.calls).toHaveLength(1);
  });

  it('closes its call when nobody waits for it any more', async () => {
    let closed: Promise<unknown> | undefined;
    const asked = new AbortController();
    const { embedder } = await on((response) => {
      closed = once(response, 'close');
      asked.abort();
    });
    expect(refusal(await embedder.embed(['hi'], asked.signal))).toMatchObject({
      reason: 'embedder_unavailable',
    });
    await closed;
  });

  it.each([
    ['fewer vectors than texts', () => vectors([])],
    ['vectors that are too short', () => vectors([[1, 2, 3]])],
    ['a vector of text', () => vectors(['AAAAAA=='])],
    ['numbers that are none', () => vectors([Array.from({ length: 16 }, () => null)])],
    ['no list', () => ({ data: 'none' })],
    ['nothing', () => null],
  ])('refuses %s', async (_, body) => {
    const { embedder, stub } = await on((response) => reply(response, 200, body()));
    const fault = await faultOf(embedder);
    expect(['nonsense', 'unexpected']).toContain(fault.kind);
    expect(stub.calls).toHaveLength(1);
  });

  it('cuts a text that has too many tokens for it, and gives all others theirs', async () => {
    const { embedder, stub } = await on((response, call) => {
      const isLong = call.body.input.some((text) => text.length > 2_000);
      if (isLong) reply(response, 400, { error: { message: 'too many tokens' } });
      else reply(response, 200, goodFor(call));
    });
    const texts = Array.from({ length: 64 }, (_, at) => (at === 37 ? '😀'.repeat(4_000) : `${at}`));
    const vectors = granted(await embedder.embed(texts));
    expect(vectors).toHaveLength(64);
    expect(stub.calls.length).toBeLessThanOrEqual(20);
    expect(stub.calls.at(-1)?.body.input.every((text) => text.isWellFormed())).toBe(true);
  });

  it('gives up a batch that it refuses whatever it is', async () => {
    const { embedder, stub } = await on((response) => reply(response, 400, { error: {} }));
    const texts = Array.from({ length: 64 }, () => 'x'.repeat(5_000));
    expect(refusal(await embedder.embed(texts)).reason).toBe('embedder_unavailable');
    expect(stub.calls.length).toBeLessThanOrEqual(20);
  });

  it('takes a vector of noughts for one of nothing', async () => {
    const { embedder } = await on((response) =>
      reply(response, 200, vectors([Array.from({ length: 16 }, () => 0)])),
    );
    expect(lengthOf(granted(await embedder.embed(['hi']))[0])).toBeCloseTo(1, 5);
  });

  it('does not ask again what cannot get better, and tells no secret', async () => {
    for (const [status, kind] of [
      [401, 'unauthorized'],
      [404, 'unknown_model'],
      [400, 'rejected'],
    ] as const) {
      const { embedder, stub } = await on((response) =>
        reply(response, status, { error: { message: `no: ${KEY}` } }),
      );
      const fault = await faultOf(embedder);
      expect(fault.kind).toBe(kind);
      expect(inspect(fault, { depth: 10, showHidden: true })).not.toContain(KEY);
      expect(stub.calls).toHaveLength(1);
      await stub.close();
    }
    stub = undefined;
  });

  it('is left alone after several failures in a row, also when callers were less patient than it', async () => {
    let closed: Promise<unknown> = Promise.resolve();
    const answer: Answer = (response, _, n) => {
      closed = once(response, 'close');
      if (n === 1) reply(response, 500, {});
    };
    const { embedder, stub } = await on(answer, { retries: 0, breakerFailures: 2 });
    expect((await faultOf(embedder)).kind).toBe('broken');
    refusal(await embedder.embed(['hi'], AbortSignal.timeout(200)));
    await closed;
    expect((await faultOf(embedder)).kind).toBe('resting');
    expect(stub.calls).toHaveLength(2);
  });
});

describe('options', () => {
  it.each([
    [{ baseUrl: 'nowhere' }],
    [{ baseUrl: 'http://ann:secret@127.0.0.1/v1' }],
    [{ model: 'has spaces' }],
    [{ model: '/'.repeat(100) }],
    [{ dimensions: 0 }],
    [{ dimensions: 1_537 }],
    [{ apiKey: 'two\nlines' }],
  ])('with a mistake in them are refused: %o', (more) => {
    expect(() => embedderAt('http://127.0.0.1:1/v1', more)).toThrow(TypeError);
  });
});
