import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import { type Failure, failure, statusOf } from '../../domain/failure.ts';
import { isId } from '../../domain/ids.ts';
import { problem } from '../../protocol/encode.ts';
import { EVENT_STREAM } from '../stream-format.ts';
import type { Answer, Headers, Reply } from './reply.ts';
import { HEADERS, type HeaderName } from './route.ts';

const JSON_HEADERS: Headers = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
};
const PROBLEM_HEADERS: Headers = {
  ...JSON_HEADERS,
  'content-type': 'application/problem+json; charset=utf-8',
};
const STREAM_HEADERS: Headers = {
  'content-type': EVENT_STREAM.contentType,
  'cache-control': 'no-store',
  // Proxies that gather answers would hold events back.
  'x-accel-buffering': 'no',
};
const ALWAYS: Headers = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

/**
 * One request and its answer, with every hazard of uWS kept in here.
 *
 * Owns: the response. Does not own: what is answered.
 * Invariants: E1. Of the request, everything that is needed is read in the constructor: it is dead afterwards.
 * E2. The response is not touched after the client went away, or after it ended. E3. It ends once.
 */
export class Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly correlationId: string;
  /** The address of the other end of the connection. */
  readonly from: string;
  readonly res: HttpResponse;
  readonly #headers: ReadonlyMap<HeaderName, string>;
  readonly #whenGone: Array<() => void> = [];
  #isOver = false;

  constructor(res: HttpResponse, req: HttpRequest) {
    this.res = res;
    this.method = req.getCaseSensitiveMethod();
    this.from = Buffer.from(res.getRemoteAddressAsText()).toString();
    this.path = req.getUrl();
    this.query = req.getQuery();
    this.#headers = new Map(HEADERS.map((name) => [name, req.getHeader(name)]));
    const given = this.header('x-correlation-id');
    this.correlationId = isId(given) ? given : crypto.randomUUID();
    res.onAborted(() => {
      this.#isOver = true;
      for (const fn of this.#whenGone) fn();
    });
  }

  readonly header = (name: HeaderName): string => this.#headers.get(name) ?? '';

  /** Calls `fn` when the client goes away before the end. */
  readonly onGone = (fn: () => void): void => {
    this.#whenGone.push(fn);
  };

  /** `isLast` lets the connection go with the answer. */
  answer(answer: Answer, isLast: boolean): void {
    if (answer.ok) this.#reply(answer.value, isLast);
    else this.#refuse(answer.failure, {}, isLast);
  }

  /** 405, with what is offered instead. */
  refuseMethod(allow: string, isLast: boolean): void {
    this.#refuse(failure('method_not_allowed'), { allow }, isLast);
  }

  #reply(reply: Reply, isLast: boolean): void {
    switch (reply.kind) {
      case 'json': {
        const body = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
        this.#write(reply.status, { ...JSON_HEADERS, ...reply.headers }, { body, isLast });
        break;
      }
      case 'content':
        this.#write(reply.status, reply.headers, { body: reply.body, isLast });
        break;
      case 'empty':
        this.#write(reply.status, reply.headers ?? {}, { body: undefined, isLast });
        break;
      case 'stream':
        this.#stream(reply);
        break;
      default:
        reply satisfies never;
    }
  }

  #refuse(refused: Failure, more: Headers, isLast: boolean): void {
    const { retryAfterMs } = refused;
    const headers = {
      ...PROBLEM_HEADERS,
      ...more,
      ...(retryAfterMs === undefined ? {} : { 'retry-after': String(wholeSeconds(retryAfterMs)) }),
      ...(statusOf(refused.reason) === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    };
    const body = JSON.stringify(problem(refused, this.correlationId));
    this.#write(statusOf(refused.reason), headers, { body, isLast });
  }

  #stream({ open, contentType }: Extract<Reply, { kind: 'stream' }>): void {
    if (this.#isOver) return;
    const type = contentType === undefined ? {} : { 'content-type': contentType };
    const streaming = { ...STREAM_HEADERS, ...type };
    if (this.method === 'HEAD') {
      this.#write(200, streaming, { body: undefined, isLast: false });
      return;
    }
    this.#isOver = true;
    const headers = { ...ALWAYS, ...streaming, 'x-correlation-id': this.correlationId };
    open({ res: this.res, headers, onGone: this.onGone });
  }

  #write(
    status: number,
    headers: Headers,
    { body, isLast }: { body: string | Uint8Array | undefined; isLast: boolean },
  ): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { res } = this;
    res.cork(() => {
      res.writeStatus(`${status} ${STATUS_CODES[status] ?? ''}`);
      const all = { ...ALWAYS, ...headers, 'x-correlation-id': this.correlationId };
      for (const [name, value] of Object.entries(all)) res.writeHeader(name, value);
      // An argument that is undefined would be read as a length of 2^63.
      if (body === undefined && !isLast) res.endWithoutBody();
      else if (body === undefined) res.endWithoutBody(0, true);
      else if (this.method === 'HEAD') res.endWithoutBody(Buffer.byteLength(body), isLast);
      else res.end(body, isLast);
    });
  }
}

function wholeSeconds(ms: number): number {
  return Math.max(Math.ceil(ms / 1000), 1);
}
