import { failure } from '../domain/failure.ts';
import type { Admitted } from '../pipeline/moderation.ts';
import type { Edge } from './edge.ts';
import { isTooLong } from './message-length.ts';

/** What of a person's words goes into the log, or why nothing does; every transport asks it before it says them. */
export function admit(edge: Edge, content: string): Admitted | Promise<Admitted> {
  if (isTooLong(content, edge.limits.maxMessageChars)) return failure('message_too_long');
  return edge.moderation.admit(content);
}
