import { type Failure, failure } from '../../domain/failure.ts';
import { type Author, MAX_NAME_CHARS } from '../../domain/participant.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import type { ClientFrames } from '../../protocol/client-frames.ts';
import { errorFrame } from '../../protocol/encode.ts';
import { noteDeed } from '../audited.ts';
import type { Edge } from '../edge.ts';
import type { Session } from './session.ts';

interface Known {
  readonly who: Author;
  readonly expiresAt: number;
  /** A new guest's. */
  readonly token?: string;
}

/** Answers `hello`: `welcome`, or `error` 401 and the end. */
export async function greet(
  edge: Edge,
  session: Session,
  hello: ClientFrames['hello'],
): Promise<void> {
  const known = await whoIs(edge, session, hello);
  const { connection } = session;
  if (!known.ok) {
    edge.meters.refuse(known.failure.reason);
    if (hello.token !== undefined) {
      const nobody = { participantId: null, from: connection.from };
      noteDeed(edge.audit, nobody, { action: 'signin.refused', outcome: known });
    }
    connection.send(errorFrame(known.failure, { id: hello.id }));
    if (session.who === undefined) connection.close('unauthenticated');
    return;
  }
  const { who, token, expiresAt } = known.value;
  session.who = who;
  session.tokenExpiresAt = expiresAt;
  const { limits, labels } = edge;
  connection.say({
    type: 'welcome',
    ...(hello.id === undefined ? {} : { id: hello.id }),
    session_id: session.id,
    participant: { id: who.id, name: who.name, kind: who.kind },
    ...(token === undefined ? {} : { token }),
    limits: {
      max_frame_bytes: limits.maxFrameBytes,
      max_message_chars: limits.maxMessageChars,
      mailbox_capacity: limits.mailboxCapacity,
      max_conversations_per_connection: limits.maxConversationsPerConnection,
    },
    heartbeat_ms: limits.heartbeatMs,
    server: { name: 'colloquy', version: labels.version },
  });
}

async function whoIs(
  { identity }: Edge,
  session: Session,
  { token, name }: ClientFrames['hello'],
): Promise<Result<Known, Failure>> {
  if (token !== undefined) {
    const verified = await identity.verify(token);
    if (!verified.ok) return verified;
    const { participant, expiresAt } = verified.value;
    if (session.who !== undefined && session.who.id !== participant.id) {
      return err(failure('bad_request', { message: 'This connection is already somebody else.' }));
    }
    const who =
      name === undefined ? participant : { ...participant, name: name.slice(0, MAX_NAME_CHARS) };
    return ok({ who, expiresAt });
  }
  if (session.who !== undefined && session.tokenExpiresAt !== undefined) {
    return ok({ who: session.who, expiresAt: session.tokenExpiresAt });
  }
  const guest = await identity.welcomeGuest(name);
  if (!guest.ok) return guest;
  return ok({
    who: guest.value.participant,
    token: guest.value.token,
    expiresAt: guest.value.expiresAt,
  });
}
