import { z } from 'zod';
import type { TurnInput } from '../../actors/agent-port.ts';
import type { Citation } from '../domain/event.ts';
import { oneLine, shorten } from '../text/plain-text.ts';
import { termsOf } from '../text/terms.ts';
import type { Tool, ToolSource } from './tools/tool.ts';

/** A passage of a document that bears on a question. */
export interface Passage {
  readonly title: string;
  /** One line. */
  readonly text: string;
}

interface DocumentRecall {
  readonly passages: readonly Passage[];
  readonly citations: readonly Citation[];
}

/** What is recalled of nothing. */
export const NO_DOCUMENTS: DocumentRecall = { passages: [], citations: [] };
const PASSAGES = 2;
/** A passage must have this part of the question's words to bear on it. */
const MIN_COVERAGE = 1 / 3;
const QUOTE_CHARS = 300;
const QUESTION_CHARS = 500;

const FOUND = z.object({ results: z.array(z.object({ title: z.string(), text: z.string() })) });

/**
 * What the documents of those who ask have on a question; nothing where the agent may not search them, or they cannot
 * be searched. It is only read, so that no call of it needs to be written down.
 */
export async function recallDocuments(
  question: string,
  { conversationId, triggerSeq, askedBy }: TurnInput,
  { tools, signal }: { readonly tools: ToolSource; readonly signal: AbortSignal },
): Promise<DocumentRecall> {
  const tool = (await tools()).find(({ name }) => name === 'search_documents');
  if (tool === undefined || tool.needsApproval) return NO_DOCUMENTS;
  const args = tool.check({ query: shorten(question, QUESTION_CHARS), limit: PASSAGES });
  if (!args.ok) return NO_DOCUMENTS;
  const late = AbortSignal.timeout(tool.timeoutMs);
  const context = { conversationId, triggerSeq, askedBy, signal: AbortSignal.any([signal, late]) };
  const result = await tool.run(args.value, context).catch(() => undefined);
  return shownIn(result, tool, question);
}

function shownIn(result: unknown, { citations }: Tool, question: string): DocumentRecall {
  const read = FOUND.safeParse(result);
  if (!read.success) return NO_DOCUMENTS;
  const asked = new Set(termsOf(question.slice(0, QUESTION_CHARS)));
  const cited = citations?.(result) ?? [];
  const bearing = read.data.results.flatMap(({ title, text }, at) => {
    const had = new Set(termsOf(text).filter((term) => asked.has(term)));
    if (asked.size === 0 || had.size / asked.size < MIN_COVERAGE) return [];
    const passage = { title: oneLine(title), text: shorten(oneLine(text), QUOTE_CHARS) };
    return [{ passage, citations: cited.slice(at, at + 1) }];
  });
  return {
    passages: bearing.map(({ passage }) => passage),
    citations: bearing.flatMap((one) => one.citations),
  };
}
