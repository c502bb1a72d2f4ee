/**
 * LangChain's agent around the model and the tools of one turn: it calls the model, runs what the model asks for,
 * and calls it again, until it answers. No checkpointer: the conversation's log is the only history, and what a turn
 * must keep of its tools is in the turn's own record.
 */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessageChunk, type BaseMessage, type ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { createAgent, createMiddleware } from 'langchain';
import type { Usage } from '../../domain/event.ts';
import type { Tool } from '../tools/tool.ts';
import { UNTRACED } from './untraced.ts';

export type GraphEvent =
  /** `answer` names the answer of the model it is part of. */
  | { readonly type: 'text'; readonly text: string; readonly answer: string }
  /** What one answer of the model cost. */
  | { readonly type: 'usage'; readonly usage: Usage };

export interface GraphParts {
  readonly model: BaseChatModel;
  readonly tools: readonly Tool[];
  /** Answers one call, whatever its name; throws when the turn is over. */
  readonly onCall: (callId: string) => Promise<ToolMessage>;
  /** Answers of the model at most; the graph stops a little later, should nobody else. */
  readonly maxModelCalls: number;
}

/** Runs from these messages to the end of the answer. Closes what it holds when `signal` aborts, and throws. */
export async function* runGraph(
  parts: GraphParts,
  messages: readonly BaseMessage[],
  signal: AbortSignal,
): AsyncGenerator<GraphEvent, void, undefined> {
  const stream = await agentOf(parts).stream(
    { messages: [...messages] },
    {
      streamMode: ['messages'],
      signal,
      recursionLimit: 2 * parts.maxModelCalls + 4,
      callbacks: [...UNTRACED],
    },
  );
  for await (const [, [message]] of stream) yield* eventsOf(message);
}

function agentOf({ model, tools, onCall }: GraphParts) {
  if (tools.length === 0) return createAgent({ model, tools: [] });
  const calls = createMiddleware({
    name: 'TurnTools',
    // All calls come through here, also of tools that are not there: none is run by the graph itself.
    wrapToolCall: ({ toolCall }) => onCall(toolCall.id ?? ''),
  });
  return createAgent({ model, tools: tools.map(described), middleware: [calls], version: 'v1' });
}

/** What the model is told of a tool. */
function described({ name, description, parameters }: Tool) {
  const schema = { ...parameters, type: 'object' as const };
  return tool(neverRun, { name, description, schema });
}

function neverRun(): never {
  throw new Error('tools are run by the turn');
}

/** Texts of the model only: neither the arguments of tools nor what tools said is an answer. */
function* eventsOf(message: unknown): Generator<GraphEvent> {
  if (!(message instanceof AIMessageChunk)) return;
  if (message.text !== '') yield { type: 'text', text: message.text, answer: message.id ?? '' };
  const usage = message.usage_metadata;
  if (usage === undefined) return;
  const { input_tokens, output_tokens } = usage;
  yield { type: 'usage', usage: { input_tokens, output_tokens } };
}
