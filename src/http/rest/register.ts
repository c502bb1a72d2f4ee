import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import { type Failure, failure, statusOf } from '../../domain/failure.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import { noteDeed } from '../audited.ts';
import type { Edge } from '../edge.ts';
import { forwardedFrom } from '../forwarded.ts';
import type { Verified } from '../identity.ts';
import { Streams } from '../sse.ts';
import { dropBody, parseBody, readBody } from './body.ts';
import { noteRequest } from './deeds.ts';
import { Exchange } from './exchange.ts';
import { InFlight } from './in-flight.ts';
import type { Answer } from './reply.ts';
import type { RawQuery, RestParts, Route } from './route.ts';
import { type Found, Router } from './router.ts';
import { routesOf } from './routes.ts';
import { Uploads } from './uploads.ts';

/** Milliseconds that requests get to be answered when the server closes. */
const LINGER_MS = 1_000;

export interface Rest {
  /** Sends the readers of event streams away with `bye`, and lets what was asked be answered. */
  close(): Promise<void>;
}

/** Serves everything that is not a WebSocket. */
export function registerRest(app: TemplatedApp, edge: Edge): Rest {
  const streams = new Streams(edge);
  const parts: RestParts = { edge, streams };
  const router = new Router(routesOf(edge));
  const inFlight = new InFlight();
  const uploads = new Uploads();
  app.any('/*', (res, req) => {
    handle(res, req, { parts, router, inFlight, uploads });
  });
  return {
    close: async () => {
      streams.close();
      await atMost(edge, LINGER_MS, inFlight.whenIdle());
    },
  };
}

async function atMost({ clock }: Edge, ms: number, idle: Promise<void>): Promise<void> {
  let takeBack = () => {};
  const late = new Promise<void>((resolve) => {
    takeBack = clock.after(ms, resolve);
  });
  await Promise.race([idle, late]);
  takeBack();
}

interface Table {
  readonly parts: RestParts;
  readonly router: Router;
  readonly inFlight: InFlight;
  readonly uploads: Uploads;
}

/** Never throws, nor lets a promise fail: either would take the process down. */
function handle(res: HttpResponse, req: HttpRequest, table: Table): void {
  const { parts, router, inFlight } = table;
  const { edge } = parts;
  const startedAt = edge.clock.now();
  const exchange = new Exchange(res, req);
  const found = router.find(exchange.method, exchange.path);
  if (found.kind === 'other_methods' && exchange.method !== 'OPTIONS') {
    edge.meters.refuse('method_not_allowed');
    exchange.refuseMethod(found.allow, edge.registry.isDraining);
    return;
  }
  inFlight.begin();
  answerTo(exchange, found, table)
    .catch((cause): Answer => err(failure('internal', { cause })))
    .then((answer) => {
      record(edge, { exchange, found, answer, startedAt });
      // What of a body too large may still be on its way is not worth waiting for.
      const isTooLarge = !answer.ok && answer.failure.reason === 'body_too_large';
      exchange.answer(answer, isTooLarge || edge.registry.isDraining);
    })
    .catch((cause) => edge.log.error('answer_failed', { cause }))
    .finally(() => inFlight.end());
}

async function answerTo(exchange: Exchange, found: Found, table: Table): Promise<Answer> {
  switch (found.kind) {
    case 'nothing':
      return err(failure('not_found'));
    case 'other_methods':
      return ok({ kind: 'empty', status: 204, headers: { allow: found.allow } });
    case 'route':
      return found.route.upload === undefined
        ? callRoute(exchange, found, table.parts)
        : callUpload(exchange, found, table);
    default:
      return found satisfies never;
  }
}

type FoundRoute = Extract<Found, { kind: 'route' }>;

async function callRoute(
  exchange: Exchange,
  { route, params }: FoundRoute,
  parts: RestParts,
): Promise<Answer> {
  const { edge } = parts;
  const reading = route.takesBody ? readBody(exchange, edge.limits.maxBodyBytes) : undefined;
  const who = await identify(edge, route, exchange);
  if (!who.ok) return who;
  const bytes = await reading;
  if (bytes !== undefined && !bytes.ok) return bytes;
  const body =
    bytes === undefined ? ok({}) : parseBody(bytes.value, exchange.header('content-type'));
  if (!body.ok) return body;
  const { header, onGone } = exchange;
  const from = addressOf(edge, exchange);
  const raw = { params, query: queryOf(exchange), body: body.value, header, onGone, from };
  return noted(edge, exchange, { route, params, who: who.value })(
    await route.run(raw, parts, who.value),
  );
}

/** Leaves a line in the audit log, where the request is one of those that do. */
function noted(
  edge: Edge,
  exchange: Exchange,
  { route, params, who }: FoundRouteOf,
): (answer: Answer) => Answer {
  return (answer) => {
    const from = addressOf(edge, exchange);
    const origin = { participantId: who?.participant.id ?? null, from };
    noteRequest(edge.audit, origin, { ...route, params, answer });
    return answer;
  };
}

/** Where a request came from, as far as that is known. */
function addressOf({ limits }: Edge, { header, from }: Exchange): string {
  return (limits.forwardedFor ? forwardedFrom(header('x-forwarded-for')) : undefined) ?? from;
}

type FoundRouteOf = Omit<FoundRoute, 'kind'> & { readonly who: Verified | undefined };

/** Files are large: only so many of them are in memory at once. What comes beyond that is let go by. */
async function callUpload(
  exchange: Exchange,
  { route, params }: FoundRoute,
  { parts, uploads }: Table,
): Promise<Answer> {
  const { edge } = parts;
  const slot = uploads.take();
  const limit = route.upload?.maxBytes(edge) ?? 0;
  const reading = slot === undefined ? dropBody(exchange, limit) : readBody(exchange, limit);
  try {
    const who = await identify(edge, route, exchange);
    if (!who.ok) return who;
    const claimed = who.value && slot?.claim(who.value.participant.id);
    if (claimed?.ok === false) return claimed;
    const bytes = await reading;
    if (slot === undefined) return err(failure('overloaded'));
    if (!bytes.ok) return bytes;
    const query = queryOf(exchange, route.upload?.repeatable);
    const { header, onGone } = exchange;
    const from = addressOf(edge, exchange);
    const raw = { params, query, body: bytes.value, header, onGone, from };
    return noted(edge, exchange, { route, params, who: who.value })(
      await route.run(raw, parts, who.value),
    );
  } finally {
    slot?.release();
  }
}

/** Of a name that is there many times the last one counts, unless it is repeatable. */
function queryOf({ query }: Exchange, repeatable: readonly string[] = []): RawQuery {
  const search = new URLSearchParams(query);
  const lists = repeatable
    .filter((name) => search.has(name))
    .map((name) => [name, search.getAll(name)] as const);
  return { ...Object.fromEntries(search), ...Object.fromEntries(lists) };
}

async function identify(
  edge: Edge,
  { isPublic }: Route,
  exchange: Exchange,
): Promise<Result<Verified | undefined, Failure>> {
  if (isPublic) return ok(undefined);
  const [, token] = /^bearer +(\S+)$/i.exec(exchange.header('authorization')) ?? [];
  if (token === undefined) return err(failure('unauthenticated'));
  const verified = await edge.identity.verify(token);
  if (verified.ok) return verified;
  const nobody = { participantId: null, from: addressOf(edge, exchange) };
  noteDeed(edge.audit, nobody, { action: 'signin.refused', outcome: verified });
  return verified;
}

interface Done {
  readonly exchange: Exchange;
  readonly found: Found;
  readonly answer: Answer;
  readonly startedAt: number;
}

/** A line for each request, by its pattern: paths are the client's words. */
function record(edge: Edge, { exchange, found, answer, startedAt }: Done): void {
  const about = {
    method: exchange.method,
    route: found.kind === 'route' ? found.route.path : found.kind,
    correlation_id: exchange.correlationId,
    took_ms: edge.clock.now() - startedAt,
  };
  if (answer.ok) {
    edge.log.debug('request', about);
    return;
  }
  const { reason, cause } = answer.failure;
  edge.meters.refuse(reason);
  const level = statusOf(reason) === 500 ? 'error' : cause === undefined ? 'debug' : 'warn';
  edge.log[level]('request_refused', {
    ...about,
    reason,
    ...(cause === undefined ? {} : { cause }),
  });
}
