import { encodeBody, type MessageBody } from '../src/domain/event.ts';
import type { Turn } from '../src/domain/turn.ts';
import type { MessageDraft, Unsettled } from './draft.ts';

/** What an answer has besides its text. */
export type More = Pick<MessageBody, 'citations' | 'partial' | 'degraded' | 'degraded_to'>;

/** What a turn said as a message of the log, which ends the turn with it. */
export function answerDraft(ends: Turn, content: string, more: More): Unsettled<MessageDraft> {
  return {
    kind: 'message',
    author: { id: ends.agentId, name: ends.agentName, kind: 'agent' },
    // An answer is stored once, whatever becomes of the connection to the store.
    key: ends.id,
    content,
    body: encodeBody('message', {
      content,
      reply_to: ends.triggerSeq,
      turn_id: ends.id,
      ...(ends.usage === null ? {} : { usage: ends.usage }),
      ...more,
    }),
    ends,
  };
}
