import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hashingVector } from '../../src/search/hashing-embedder.ts';

/** An endpoint of the OpenAI form over real HTTP, whose vectors are true ones; it can be down, and can be held. */
export class EmbeddingEndpoint {
  readonly dimensions: number;
  /** Texts that were embedded. */
  embedded = 0;
  calls = 0;
  isDown = false;
  #isHeld = false;
  readonly #waiting: Array<() => void> = [];
  readonly #server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    this.calls += 1;
    // Of those refusals that open no breaker: it would rest for half a minute.
    if (this.isDown) return reply(response, 404, { error: { message: 'no such model' } });
    if (this.#isHeld) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const { input } = JSON.parse(Buffer.concat(parts).toString()) as { input: readonly string[] };
    this.embedded += input.length;
    const data = input.map((text, index) => ({
      object: 'embedding',
      index,
      embedding: [...hashingVector(text, this.dimensions)],
    }));
    const usage = { prompt_tokens: 1, total_tokens: 1 };
    return reply(response, 200, { object: 'list', model: 'm', data, usage });
  });

  constructor(dimensions: number) {
    this.dimensions = dimensions;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** Calls that wait to be let through. */
  get waiting(): number {
    return this.#waiting.length;
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    for (const go of this.#waiting.splice(0)) go();
  }

  /** Lets the oldest call through. */
  step(): void {
    this.#waiting.shift()?.();
  }

  async stop(): Promise<void> {
    this.release();
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
