import type { ToolCallChunk } from '@langchain/core/messages/tool';
import { cut } from '../../text/plain-text.ts';

/** A call that the model asked for, in a form that every part of a turn takes. */
export interface AskedCall {
  /** Its own in the turn, whatever the model called it. */
  readonly callId: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** Why it can't be run, in words for the model. */
  readonly problem?: string;
}

/** Calls in one answer of a model; what is asked for beyond is not heard. */
const MAX_CALLS = 32;
/** Characters of the arguments of one call: what the record of a turn takes. */
const ARGS_CHARS = 4_096;
const NAME_CHARS = 64;
const ID = /^[A-Za-z0-9._~:-]{1,128}$/u;

interface Pieces {
  readonly id: string | undefined;
  readonly index: number | undefined;
  name: string;
  args: string;
}

/**
 * Puts the tool calls of one answer together from its stream. LangChain would mend arguments that were cut off
 * (`{"path": "/tmp/a` becomes a path) and would end the turn at arguments that are no JSON: here both become calls
 * with a problem. Ids that are missing, or that an endpoint gave before in this turn, are replaced. Bounded.
 */
export class CallGathering {
  readonly #pieces: Pieces[] = [];
  #isFull = false;

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  take(chunks: readonly ToolCallChunk[]): void {
    for (const chunk of chunks) {
      const pieces = this.#piecesOf(chunk);
      if (pieces === undefined) continue;
      if (pieces.name === '') pieces.name = cut(chunk.name ?? '', NAME_CHARS + 1);
      pieces.args = cut(pieces.args + (chunk.args ?? ''), ARGS_CHARS + 1);
    }
  }

  /** The calls, in order. `ids` are those of the turn so far. */
  calls(ids: Ids): readonly AskedCall[] {
    const here = new Set<string>();
    return this.#pieces.map(({ id, name, args }) => {
      const isUsable = id !== undefined && ID.test(id) && !here.has(id) && !ids.isTaken(id);
      const callId = isUsable ? id : ids.fresh();
      here.add(callId);
      return { callId, ...named(name), ...parsed(args) };
    });
  }

  /** The call that a chunk goes on with, or a new one; undefined when there are too many. */
  #piecesOf({ id, index }: ToolCallChunk): Pieces | undefined {
    const open =
      index === undefined
        ? this.#pieces.at(-1)
        : this.#pieces.findLast((pieces) => pieces.index === index);
    // Some endpoints number every call 0, and send each whole.
    const isNew = open === undefined || (hasText(id) && hasText(open.id) && id !== open.id);
    if (!isNew) return this.#isFull && index !== open.index ? undefined : open;
    this.#isFull = this.#pieces.length >= MAX_CALLS;
    if (this.#isFull) return undefined;
    const pieces: Pieces = { id: hasText(id) ? id : undefined, index, name: '', args: '' };
    this.#pieces.push(pieces);
    return pieces;
  }
}

/** The ids of the calls of a turn. */
export interface Ids {
  isTaken(id: string): boolean;
  /** One that is not taken. */
  fresh(): string;
}

function hasText(text: string | undefined): boolean {
  return text !== undefined && text !== '';
}

/**
 * A name that every endpoint takes back; what is none is a tool that is not there. LangChain takes `extract-` for its
 * own, and would end the turn.
 */
function named(name: string): Pick<AskedCall, 'name'> {
  const safe = name.replace(/[^A-Za-z0-9_-]+/gu, '_').replace(/^extract-/u, 'extract_');
  const plain = safe.slice(0, NAME_CHARS);
  return { name: plain === '' ? 'unknown' : plain };
}

function parsed(text: string): Pick<AskedCall, 'args' | 'problem'> {
  if (text.length > ARGS_CHARS)
    return { args: {}, problem: `The arguments are longer than ${ARGS_CHARS} characters.` };
  if (text.trim() === '') return { args: {} };
  try {
    const args: unknown = JSON.parse(text);
    if (typeof args === 'object' && args !== null && !Array.isArray(args))
      return { args: args as Record<string, unknown> };
  } catch {
    return { args: {}, problem: 'The arguments are not valid JSON.' };
  }
  return { args: {}, problem: 'The arguments are not a JSON object.' };
}
