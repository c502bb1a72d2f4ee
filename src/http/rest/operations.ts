import { type Failure, failure } from '../../domain/failure.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import type { BreakerTransition } from '../../observability/breaker-reading.ts';
import type { MetricTable } from '../../observability/metrics.ts';
import { wireTime } from '../../protocol/encode.ts';
import type { Edge } from '../edge.ts';
import type { Streams } from '../sse.ts';
import { EventStream } from '../sse-stream.ts';
import { json, type OpenResponse } from './reply.ts';
import { publicRoute, type Route } from './route.ts';

/** Milliseconds that the store has to show that it is there. */
const PROBE_MS = 2_000;
/** Told to readers that a stopping server sends away, milliseconds. */
const RECONNECT_AFTER_MS = 1_000;

export function operationRoutes(metrics: MetricTable): readonly Route[] {
  return [
    publicRoute({
      method: 'GET',
      path: '/health',
      handle: async ({ edge }) => {
        const { store, agent, embedder, version } = edge.labels;
        const readiness = await ready(edge);
        const status = readiness.ok ? 'ok' : readiness.failure.reason;
        return ok(json(200, { status, version, store, agent, embedder }));
      },
    }),
    publicRoute({
      method: 'GET',
      path: '/health/live',
      handle: async () => ok(json(200, { status: 'ok' })),
    }),
    publicRoute({
      method: 'GET',
      path: '/health/ready',
      handle: async ({ edge }) => {
        const readiness = await ready(edge);
        return readiness.ok ? ok(json(200, { status: 'ok' })) : readiness;
      },
    }),
    publicRoute({
      method: 'GET',
      path: '/health/detailed',
      handle: async ({ edge }) => ok(json(200, await detailed(edge))),
    }),
    publicRoute({
      method: 'GET',
      path: '/health/stream',
      handle: async ({ edge, streams }) => {
        const refused = streams.refusal();
        if (refused !== undefined) return err(refused);
        return ok({ kind: 'stream', open: (response) => tellHealth(edge, streams, response) });
      },
    }),
    // Nothing listens before the start is done.
    publicRoute({
      method: 'GET',
      path: '/health/startup',
      handle: async () => ok(json(200, { status: 'ok' })),
    }),
    publicRoute({
      method: 'GET',
      path: '/metrics',
      handle: async () =>
        ok({
          kind: 'content',
          status: 200,
          body: await metrics.text(),
          headers: { 'content-type': metrics.contentType, 'cache-control': 'no-store' },
        }),
    }),
  ];
}

/** What stands behind `status`, for dashboards. `degraded`: people are served, and the agent or the search is not whole. */
async function detailed(edge: Edge) {
  const { store, agent, version } = edge.labels;
  const { registry, meters } = edge;
  const readiness = await ready(edge);
  const breakers = edge.breakers.readings();
  const isWhole = breakers.every(({ state }) => state === 'closed');
  return {
    status: readiness.ok ? (isWhole ? 'ok' : 'degraded') : readiness.failure.reason,
    version,
    uptime_seconds: Math.floor(process.uptime()),
    store: { label: store, status: readiness.ok ? 'ok' : readiness.failure.reason },
    agent: { label: agent },
    connections: meters.connections,
    live_conversations: registry.size,
    mailbox_depth: registry.mailboxDepth(),
    breakers: breakers.map(({ name, state, failures, refused, lastTransitions }) => ({
      name,
      state,
      failures,
      refused,
      last_transition: lastTransition(lastTransitions.at(-1)),
    })),
  };
}

/** Says how it is, and again with each beat. Who does not read is told nothing more, and let go of. */
function tellHealth(edge: Edge, streams: Streams, response: OpenResponse): void {
  let letGo = () => {};
  const stream = new EventStream(response, () => letGo());
  const tell = () => {
    detailed(edge).then(
      (health) => stream.send(JSON.stringify({ type: 'health', ...health })),
      (cause) => edge.log.warn('health_not_told', { cause }),
    );
  };
  letGo = streams.hold({
    beat: () => (stream.bufferedBytes() === 0 ? tell() : stream.beat()),
    end: () => stream.end('draining', RECONNECT_AFTER_MS),
  });
  tell();
}

function lastTransition(last: BreakerTransition | undefined) {
  return last === undefined ? null : { to: last.to, at: wireTime(last.at), why: last.why };
}

/** Whether new work can be done here. */
async function ready({ registry, store, clock }: Edge): Promise<Result<void, Failure>> {
  if (registry.isDraining) return err(failure('draining'));
  let takeBack = () => {};
  const late = new Promise<'late'>((resolve) => {
    takeBack = clock.after(PROBE_MS, () => resolve('late'));
  });
  const probed = await Promise.race([store.probe(), late]);
  takeBack();
  if (probed === 'late') return err(failure('storage_unavailable'));
  return probed.ok
    ? ok(undefined)
    : err(failure('storage_unavailable', { cause: probed.failure.cause }));
}
