import { z } from 'zod';
import { cut } from '../../text/plain-text.ts';
import type { ToolPorts } from './ports.ts';
import { type Tool, ToolError, toolOf } from './tool.ts';

const MAX_RESULTS = 12;
const TEXT_CHARS = 500;
/** More are asked for than are shown: those that came after the question are left out. */
const SPARE = 10;

const ARGS = z.object({
  query: z.string().trim().min(1).max(500).describe('What to look for: words, or a question.'),
  limit: z.int().min(1).max(MAX_RESULTS).default(8).describe('Messages at most.'),
});

/** Finds messages of this conversation that were said before the one that is answered. */
export function searchConversationTool({ searchConversation }: ToolPorts): Tool {
  return toolOf({
    name: 'search_conversation',
    description:
      'Searches everything that was said earlier in this conversation, also what is too long ago to be in front of you, and gives the messages that fit best, with who said them and when.',
    args: ARGS,
    reaches: 'conversation',
    timeoutMs: 15_000,
    run: async ({ query, limit }, { conversationId, triggerSeq }) => {
      const found = await searchConversation({ conversationId, text: query, limit: limit + SPARE });
      if (!found.ok)
        throw new ToolError('The conversation cannot be searched just now.', found.failure);
      const earlier = found.value.filter(({ message }) => message.event.seq < triggerSeq);
      const results = earlier.slice(0, limit).map(({ message: { event, body } }) => ({
        seq: event.seq,
        from: event.author.name,
        at: new Date(event.createdAt).toISOString(),
        content: cut(body.content ?? '', TEXT_CHARS),
      }));
      return { results };
    },
  });
}
