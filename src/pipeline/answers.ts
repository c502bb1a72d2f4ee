import {
  type Agent,
  type AgentChunk,
  AgentFailure,
  type TurnInput,
} from '../../actors/agent-port.ts';
import type { Failure } from '../domain/failure.ts';
import type { Moderation } from './moderation.ts';
import { NormalisedStream } from './normalise.ts';

/** Told when a sentence was withheld. */
export type OnRefused = (turn: TurnInput, refused: Failure) => void;

/**
 * An agent whose answers are normalised and, where that is wanted, looked at sentence by sentence before anybody sees
 * them: up to one sentence is held back. One that is refused ends the turn as failed; what was shown before it stays
 * what was shown. What it yields is what is stored: deltas put together are the message.
 */
export function moderated(agent: Agent, moderation: Moderation, onRefused: OnRefused): Agent {
  return {
    ...agent,
    answer: (input, signal) => answer(input, signal, { agent, moderation, onRefused }),
  };
}

interface Parts {
  readonly agent: Agent;
  readonly moderation: Moderation;
  readonly onRefused: OnRefused;
}

async function* answer(
  input: TurnInput,
  signal: AbortSignal,
  { agent, moderation, onRefused }: Parts,
): AsyncGenerator<AgentChunk> {
  let text = new NormalisedStream();
  let held = '';
  const pass = async (piece: string): Promise<AgentChunk> => {
    const refused = moderation.looksAtAnswers ? await moderation.refusesToShow(piece) : undefined;
    if (refused === undefined) return { type: 'delta', text: piece };
    onRefused(input, refused);
    const { reason, message, retryAfterMs } = refused;
    throw new AgentFailure(reason, message, { retryAfterMs });
  };
  for await (const chunk of agent.answer(input, signal)) {
    switch (chunk.type) {
      case 'delta': {
        held += text.push(chunk.text);
        const end = moderation.looksAtAnswers ? endOfSentences(held) : held.length;
        if (end === 0) break;
        const piece = held.slice(0, end);
        held = held.slice(end);
        yield await pass(piece);
        break;
      }
      case 'restarted':
        text = new NormalisedStream();
        held = '';
        yield chunk;
        break;
      case 'done':
        held += text.end();
        if (held !== '') yield await pass(held);
        yield chunk;
        break;
      default:
        yield chunk;
    }
  }
}

/** Characters that are held back at most, where no sentence ends. */
const MAX_HELD = 2_000;
const SENTENCE_END = /[.!?…]["'”’)\]*_]*\s|[。！？।؟]|\n/gu;

/** Behind the last sentence that is whole; 0 when none is. */
function endOfSentences(text: string): number {
  let end = 0;
  for (const { 0: found, index } of text.matchAll(SENTENCE_END)) end = index + found.length;
  return end === 0 && text.length >= MAX_HELD ? text.length : end;
}
