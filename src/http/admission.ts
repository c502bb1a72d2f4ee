import { type Failure, failure } from '../domain/failure.ts';
import type { ConversationId } from '../domain/ids.ts';
import type { Author } from '../domain/participant.ts';
import type { Admitted } from '../pipeline/moderation.ts';
import { normalised } from '../pipeline/normalise.ts';
import type { Edge } from './edge.ts';
import { isTooLong } from './message-length.ts';

/** Who says something, where, and under which key. */
export interface Sayer {
  readonly conversationId: ConversationId;
  readonly who: Author;
  readonly key: string | null;
}

/**
 * What of a person's words goes into the log, or why nothing does; every transport asks it before it says them. What
 * was stored under its key before is not refused: a repeated request learns that it is there.
 */
export function admit(edge: Edge, content: string, sayer: Sayer): Admitted | Promise<Admitted> {
  if (isTooLong(content, edge.limits.maxMessageChars)) return failure('message_too_long');
  const admitted = edge.moderation.admit(content);
  if (typeof admitted === 'string' || sayer.key === null) return admitted;
  const again = (refused: Admitted) => unlessStored(edge, content, { ...sayer, refused });
  return admitted instanceof Promise ? admitted.then(again) : again(admitted);
}

async function unlessStored(
  { store }: Edge,
  content: string,
  { conversationId, who, key, refused }: Sayer & { readonly refused: string | Failure },
): Promise<Admitted> {
  const isRefused = typeof refused !== 'string' && refused.reason !== 'invalid_field';
  if (!isRefused || key === null) return refused;
  const stored = await store.findKey(conversationId, who.id, key);
  return stored.ok && stored.value !== undefined ? normalised(content) : refused;
}
