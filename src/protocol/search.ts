import { z } from 'zod';
import type { Message } from '../domain/message.ts';
import { type Origin, wireMessage } from './encode.ts';
import { Whole } from './rest.ts';

/** What all searches are asked with. */

/** `hybrid`: by words and by nearness. */
const ModeField = z.enum(['hybrid', 'keyword', 'vector']).default('hybrid');

const MAX_QUERY_CHARS = 500;
const MAX_HITS = 100;
const DEFAULT_HITS = 20;

export const SearchMessages = z.object({
  q: z.string().trim().min(1).max(MAX_QUERY_CHARS),
  mode: ModeField,
  limit: Whole.pipe(z.int().min(1).max(MAX_HITS)).default(DEFAULT_HITS),
});

interface MessageHit {
  readonly message: Message;
  readonly snippet: string;
  readonly score: number;
}

/** A message that was found, as `reader` sees it. */
export function wireMessageHit(
  of: Origin,
  { message, snippet, score }: MessageHit,
  reader: string,
) {
  const { seq } = message.event;
  return { seq, score, snippet, message: wireMessage(of, message, reader) };
}
