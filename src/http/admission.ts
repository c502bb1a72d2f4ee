import { failure } from '../domain/failure.ts';
import type { ConversationId } from '../domain/ids.ts';
import type { Author } from '../domain/participant.ts';
import type { Admitted } from '../pipeline/moderation.ts';
import { normalised } from '../pipeline/normalise.ts';
import type { Edge } from './edge.ts';
import { isTooLong } from './message-length.ts';

/** The content as it is stored, or why it is not; a promise where somebody else is asked. */
export type Looked = Admitted | Promise<Admitted>;

/** Who says something, where, and under which key. */
interface Sayer {
  readonly conversationId: ConversationId;
  readonly who: Author;
  readonly key: string | null;
}

/** Looks at a person's words; every transport does before it says them. The hot path: allocates nothing. */
export function look(edge: Edge, content: string): Looked {
  if (isTooLong(content, edge.limits.maxMessageChars)) return failure('message_too_long');
  return edge.moderation.admit(content);
}

/** The same to its end: what of a person's words goes into the log, or why nothing does. */
export async function admit(edge: Edge, content: string, sayer: Sayer): Promise<Admitted> {
  return spared(edge, content, { sayer, looked: look(edge, content) });
}

/** What was stored under its key before is not refused: a repeated request learns that it is there. */
export async function spared(
  { store }: Edge,
  content: string,
  { sayer, looked }: { readonly sayer: Sayer; readonly looked: Looked },
): Promise<Admitted> {
  const refused = await looked;
  const { conversationId, who, key } = sayer;
  if (typeof refused === 'string' || key === null) return refused;
  if (refused.reason !== 'content_refused' && refused.reason !== 'overloaded') return refused;
  const stored = await store.findKey(conversationId, who.id, key);
  return stored.ok && stored.value !== undefined ? normalised(content) : refused;
}
