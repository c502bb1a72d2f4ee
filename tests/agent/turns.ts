import type { Agent, AgentChunk, TurnInput } from '../../actors/agent-port.ts';
import { encodeBody } from '../../src/domain/event.ts';
import { conversationId, participantId, turnId } from '../../src/domain/ids.ts';
import type { Message } from '../../src/domain/message.ts';

export const AGENT = participantId('assistant');

export interface Said {
  readonly seq?: number;
  /** The agent's when it is `Assistant`. */
  readonly name?: string;
  readonly deleted?: boolean;
  readonly edited?: boolean;
}

/** A message as a store gives it back; people's ids are their names in lower case. */
export function said(
  content: string,
  { seq = 1, name = 'Ana', deleted, edited }: Said = {},
): Message {
  const isAgent = name === 'Assistant';
  const id = isAgent ? AGENT : participantId(name.toLowerCase().replace(/[^a-z0-9]/gu, '_') || 'p');
  const body = deleted === true ? ({ deleted: true } as const) : { content };
  return {
    event: {
      seq,
      kind: 'message',
      author: { id, name, kind: isAgent ? 'agent' : 'human' },
      createdAt: seq,
      key: null,
      body: encodeBody('message', body),
    },
    body,
    editedAt: edited === true ? seq : null,
  };
}

/** A conversation of these messages, numbered from 1, whose last one is to be answered. */
export function turn(
  ...messages: readonly (string | readonly [name: string, content: string])[]
): TurnInput {
  return turnOf(
    messages.map((message, i) =>
      typeof message === 'string'
        ? said(message, { seq: i + 1 })
        : said(message[1], { seq: i + 1, name: message[0] }),
    ),
  );
}

export function turnOf(messages: readonly Message[]): TurnInput {
  return {
    conversationId: conversationId('c_1'),
    turnId: turnId('t_1'),
    agentId: AGENT,
    agentName: 'Assistant',
    triggerSeq: messages.at(-1)?.event.seq ?? 0,
    history: async (limit) => messages.slice(-limit),
    steps: [],
    askedBy: [],
    tools: { begin: async () => ({ kind: 'run' }), end: async () => {} },
  };
}

export async function chunksOf(
  agent: Agent,
  input: TurnInput,
  signal: AbortSignal = new AbortController().signal,
): Promise<AgentChunk[]> {
  const chunks: AgentChunk[] = [];
  for await (const chunk of agent.answer(input, signal)) chunks.push(chunk);
  return chunks;
}

/** The answer as the port defines it: the deltas after the last `restarted`. */
export function textOf(chunks: readonly AgentChunk[]): string {
  const last = chunks.findLastIndex(({ type }) => type === 'restarted');
  return chunks
    .slice(last + 1)
    .map((chunk) => (chunk.type === 'delta' ? chunk.text : ''))
    .join('');
}

export async function answerOf(agent: Agent, input: TurnInput): Promise<string> {
  return textOf(await chunksOf(agent, input));
}
