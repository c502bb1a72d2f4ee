import uWS from 'uWebSockets.js';
import { createServer } from 'node:net';
import { failure } from '../domain/failure.ts';
import { err, ok, type Result } from '../domain/result.ts';
import { errorFrame } from '../protocol/encode.ts';
import type { Edge } from './edge.ts';
import { forwardedFrom } from './forwarded.ts';
import { registerRest } from './rest/register.ts';
import { Connection, type SocketData } from './websocket/connection.ts';
import { Flusher } from './websocket/flusher.ts';
import { Session } from './websocket/session.ts';

/** uWS ends a connection over its limit without a word; ours comes first, and says why. */
const OWN_LIMIT_FIRST = 64;
/** Unread bytes that answers may take beyond twice the budget of events. */
const ANSWER_BYTES = 1024 * 1024;
/** Milliseconds that closing connections get to read their last frames. */
const LINGER_MS = 1_000;
/** Told to clients that a stopping server sends away, milliseconds. */
const RECONNECT_AFTER_MS = 1_000;

export interface Server {
  readonly port: number;
  /** Takes no new connections. */
  stopListening(): void;
  /** Sends everybody away with `bye` and 4001, then closes. */
  close(): Promise<void>;
}

/** Serves WebSocket, REST and SSE on one port of its own; 0 takes a free one. */
export async function startServer(
  edge: Edge,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Result<Server, string>> {
  const app = uWS.App();
  const sessions = new Set<Session>();
  edge.topics.publish = (topic, frame) => {
    app.publish(topic, frame);
  };
  serveWebSocket(app, edge, sessions);
  const rest = registerRest(app, edge);
  const free = await freePort(host, port);
  const socket = free !== undefined && (await listen(app, host, free));
  if (socket === false) return err(`${host}:${port} is in use, or may not be listened on`);
  const takeBackSweep = sweepEvery(edge, sessions);
  let isListening = true;
  const stopListening = () => {
    if (isListening) uWS.us_listen_socket_close(socket);
    isListening = false;
  };
  return ok({
    port: uWS.us_socket_local_port(socket),
    stopListening,
    close: async () => {
      stopListening();
      takeBackSweep();
      for (const { connection } of sessions) connection.close('draining', RECONNECT_AFTER_MS);
      await rest.close();
      await emptied(edge, sessions);
      app.close();
    },
  });
}

/**
 * The port itself when it is nobody else's, or any free one for 0. uWS at its default shares a port with whoever
 * else shares it; exclusively, or on 0, its sockets keep the port from the next server for a minute after they closed.
 */
function freePort(host: string, port: number): Promise<number | undefined> {
  const probe = createServer((early) => early.destroy());
  return new Promise((resolve) => {
    probe.once('error', () => resolve(undefined));
    probe.listen({ host, port, exclusive: true }, () => {
      const address = probe.address();
      const free = typeof address === 'object' ? address?.port : undefined;
      probe.close(() => resolve(free));
    });
  });
}

function listen(
  app: uWS.TemplatedApp,
  host: string,
  port: number,
): Promise<uWS.us_listen_socket | false> {
  return new Promise((resolve) => {
    app.listen(host, port, resolve);
  });
}

function serveWebSocket(app: uWS.TemplatedApp, edge: Edge, sessions: Set<Session>): void {
  const flusher = new Flusher();
  edge.topics.batchSaid = flusher.batchSaid;
  const { maxFrameBytes, maxConnections, outboundBytes } = edge.limits;
  const mostUnreadBytes = outboundBytes * 2 + ANSWER_BYTES;
  const text = new TextDecoder('utf-8', { ignoreBOM: true });
  const sessionOf = (ws: uWS.WebSocket<SocketData>) => ws.getUserData().session;
  app.ws<SocketData>('/v1/ws', {
    maxPayloadLength: maxFrameBytes * OWN_LIMIT_FIRST,
    // The bound is ours (actors/audience.ts): a limit of uWS's own drops frames without a word.
    maxBackpressure: 0,
    // So are the heartbeats, which say why before they close; this one ends what was closed and is never read.
    idleTimeout: idleSeconds(edge.limits.heartbeatMs),
    sendPingsAutomatically: false,
    upgrade: (res, req, context) => {
      const header = req.getHeader('authorization');
      const from = edge.limits.forwardedFor
        ? forwardedFrom(req.getHeader('x-forwarded-for'))
        : undefined;
      const bearer = header.toLowerCase().startsWith('bearer ') ? header.slice(7) : undefined;
      res.upgrade<SocketData>(
        { connection: undefined, session: undefined, bearer, from },
        req.getHeader('sec-websocket-key'),
        req.getHeader('sec-websocket-protocol'),
        req.getHeader('sec-websocket-extensions'),
        context,
      );
    },
    open: (ws) => {
      const data = ws.getUserData();
      const connection = new Connection(ws, flusher, mostUnreadBytes);
      data.connection = connection;
      if (edge.meters.connections >= maxConnections) {
        edge.meters.refuse('too_many_connections');
        edge.meters.connections += 1;
        connection.send(errorFrame(failure('too_many_connections')));
        connection.close('connection_limit');
        return;
      }
      edge.meters.connections += 1;
      const session = new Session(edge, connection);
      data.session = session;
      sessions.add(session);
      if (data.bearer !== undefined) session.introduce(data.bearer);
    },
    message: (ws, message, isBinary) => {
      const session = sessionOf(ws);
      if (session === undefined) return;
      if (isBinary) session.refuseFrame(failure('bad_frame', { message: 'Send text frames.' }));
      else if (message.byteLength > maxFrameBytes) session.refuseFrame(failure('frame_too_large'));
      else session.receive(text.decode(message));
    },
    pong: (ws) => {
      const session = sessionOf(ws);
      if (session !== undefined) session.lastHeardAt = edge.clock.now();
    },
    drain: (ws) => sessionOf(ws)?.drained(),
    close: (ws) => {
      edge.meters.connections -= 1;
      const { connection, session } = ws.getUserData();
      connection?.forget();
      if (session === undefined) return;
      sessions.delete(session);
      session.end();
    },
  });
}

/** Three heartbeats of nothing, within what uWS can count. */
function idleSeconds(heartbeatMs: number): number {
  return Math.min(Math.max(Math.ceil((heartbeatMs * 3) / 1_000), 8), 960);
}

/** One sweep for all connections: who said no `hello`, who went silent, whose token is over. */
function sweepEvery(edge: Edge, sessions: ReadonlySet<Session>): () => void {
  const { heartbeatMs, helloTimeoutMs } = edge.limits;
  const everyMs = Math.max(Math.min(heartbeatMs / 2, helloTimeoutMs / 4, 5_000), 10);
  let takeBack = () => {};
  const sweep = () => {
    const now = edge.clock.now();
    for (const session of sessions) check(session, now);
    takeBack = edge.clock.after(everyMs, sweep);
  };
  const check = (
    { connection, who, openedAt, lastHeardAt, tokenExpiresAt }: Session,
    now: number,
  ) => {
    if (who === undefined && now - openedAt >= helloTimeoutMs) connection.close('hello_timeout');
    else if (now - lastHeardAt >= heartbeatMs * 2) connection.close('heartbeat_timeout');
    else if (tokenExpiresAt !== undefined && now >= tokenExpiresAt)
      connection.close('token_expired');
    else if (now - lastHeardAt >= heartbeatMs / 2) connection.ping();
  };
  takeBack = edge.clock.after(everyMs, sweep);
  return () => takeBack();
}

/** Resolves when all sockets are closed, or have had their time. */
async function emptied(edge: Edge, sessions: ReadonlySet<Session>): Promise<void> {
  const until = edge.clock.now() + LINGER_MS;
  while (sessions.size > 0 && edge.clock.now() < until) {
    await new Promise<void>((resolve) => edge.clock.after(10, resolve));
  }
}
