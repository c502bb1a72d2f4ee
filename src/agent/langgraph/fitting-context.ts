import {
  type AIMessage,
  type BaseMessage,
  HumanMessage,
  ToolMessage,
} from '@langchain/core/messages';
import { countTokens, cutToTokens } from '../../provider/tokens.ts';
import type { Tool } from '../tools/tool.ts';

/** What a message costs beside its text. */
const MESSAGE_TOKENS = 4;
/** Tokens of a result that was shortened: enough to know what it was about. */
const KEPT_TOKENS = 100;
const SHORTENED = ' [… shortened: there was no more room for it]';
const SHORTENED_TOKENS = 12;

/** Tokens of what a model is told of a tool, by its parameters: a tool has the same for all turns. */
const known = new WeakMap<
  Tool['parameters'],
  { readonly words: string; readonly tokens: number }
>();

/** Tokens that the definitions of tools take in each prompt. */
export function tokensOfTools(tools: readonly Tool[]): number {
  return tools.reduce((sum, tool) => sum + tokensOfTool(tool) + MESSAGE_TOKENS, 0);
}

function tokensOfTool({ name, description, parameters }: Tool): number {
  const words = `${name} ${description}`;
  const before = known.get(parameters);
  if (before?.words === words) return before.tokens;
  const tokens = countTokens(`${words} ${JSON.stringify(parameters)}`);
  known.set(parameters, { words, tokens });
  return tokens;
}

/**
 * The messages of a turn that has used tools, in so many tokens. A prompt fits when a turn begins; results then come
 * on top of it. What gives way, in this order: results of earlier steps, oldest first; the history, oldest first; and
 * the last results, each to its share. The system's words, the question and the steps themselves stay.
 */
export function fitted(messages: readonly BaseMessage[], tokens: number): readonly BaseMessage[] {
  const asked = messages.findLastIndex((message) => HumanMessage.isInstance(message));
  if (asked === messages.length - 1) return messages;
  let over = messages.reduce((sum, message) => sum + costOf(message), 0) - tokens;
  if (over <= 0) return messages;
  const steps = messages.slice(asked + 1);
  const last = steps.findLastIndex((message) => !ToolMessage.isInstance(message)) + 1;
  const shorten = (message: BaseMessage, kept: number) => {
    if (over <= 0 || !ToolMessage.isInstance(message)) return message;
    const short = shortened(message, kept);
    over -= costOf(message) - costOf(short);
    return short;
  };
  const earlier = steps.slice(0, last).map((message) => shorten(message, KEPT_TOKENS));
  const before = messages.slice(0, asked);
  let from = 1;
  while (from < before.length && (over > 0 || (from > 1 && isModels(before[from])))) {
    over -= costOf(before[from]);
    from += 1;
  }
  const newest = steps.slice(last);
  const room = newest.reduce((sum, message) => sum + costOf(message), 0) - Math.max(over, 0);
  const share = Math.max(Math.floor(room / newest.length) - MESSAGE_TOKENS, KEPT_TOKENS);
  return [
    ...before.slice(0, 1),
    ...before.slice(from),
    ...messages.slice(asked, asked + 1),
    ...earlier,
    ...newest.map((message) => shorten(message, share)),
  ];
}

function costOf(message: BaseMessage | undefined): number {
  if (message === undefined) return 0;
  const { tool_calls: calls = [] } = message as AIMessage;
  const args = calls.length === 0 ? 0 : countTokens(JSON.stringify(calls));
  return countTokens(message.text) + args + MESSAGE_TOKENS;
}

/** Some endpoints refuse a conversation that the model begins. */
function isModels(message: BaseMessage | undefined): boolean {
  return message !== undefined && !HumanMessage.isInstance(message);
}

function shortened(message: ToolMessage, tokens: number): ToolMessage {
  const text = message.text;
  if (countTokens(text) <= tokens) return message;
  const { tool_call_id, name = '', status = 'success' } = message;
  const content = cutToTokens(text, Math.max(tokens - SHORTENED_TOKENS, 0)) + SHORTENED;
  return new ToolMessage({ tool_call_id, name, status, content });
}
