import type { Agent, AgentChunk, TurnInput } from '../../actors/agent-port.ts';
import type { Store } from '../../storage/store.ts';
import type { Citation } from '../domain/event.ts';
import type { DocumentId } from '../domain/ids.ts';
import { SafeMarkdown } from './safe-markdown.ts';
import type { StageMeter } from './stages.ts';

/** The stage that gives answers their form: text that is safe to render, and citations that hold. */
export interface Structuring {
  /** The text of one answer, from its beginning. */
  text(): { push(piece: string): string; end(): string };
  /** Those of what everybody who asked may see now, each once. */
  citations(turn: TurnInput, given: readonly Citation[]): Promise<readonly Citation[]>;
}

export interface StructuringParts {
  readonly documents: Pick<Store['documents'], 'read'>;
  readonly meter: StageMeter;
}

const MAX_CITATIONS = 20;
const MAX_TITLE_CHARS = 300;

/** Safe Markdown, and citations of documents that are there. */
export class AnswerStructuring implements Structuring {
  readonly #parts: StructuringParts;

  constructor(parts: StructuringParts) {
    this.#parts = parts;
  }

  text(): ReturnType<Structuring['text']> {
    const markdown = new SafeMarkdown();
    const passed = this.#parts.meter.passages('passed');
    return {
      push: (piece) => markdown.push(piece),
      end: () => {
        passed.count += 1;
        return markdown.end();
      },
    };
  }

  citations(turn: TurnInput, given: readonly Citation[]): Promise<readonly Citation[]> {
    return this.#parts.meter.time(
      async () => {
        const seen = new Map<string, Promise<boolean>>();
        const kept = new Map<string, Citation>();
        for (const citation of given) {
          const { document_id: id, chunk_id, title } = citation;
          if (kept.has(chunk_id) || !Number.isFinite(citation.score)) continue;
          const isSeen = seen.get(id) ?? this.#isSeen(turn, id as DocumentId);
          seen.set(id, isSeen);
          if (!(await isSeen)) continue;
          kept.set(chunk_id, { ...citation, title: title.slice(0, MAX_TITLE_CHARS) });
          if (kept.size === MAX_CITATIONS) break;
        }
        return [...kept.values()];
      },
      (kept) => (kept.length < given.length ? 'citations_dropped' : 'citations_kept'),
    );
  }

  /** A store that does not answer says nothing against a citation: the tool that gave it has asked it. */
  async #isSeen({ askedBy }: TurnInput, id: DocumentId): Promise<boolean> {
    for (const participant of askedBy) {
      const read = await this.#parts.documents.read(id, participant);
      if (read.ok && read.value === undefined) return false;
    }
    return askedBy.length > 0;
  }
}

/** An agent whose answers have that form. Deltas put together are the message: what is shown is what is stored. */
export function structured(agent: Agent, structuring: Structuring): Agent {
  return { ...agent, answer: (input, signal) => answer(input, signal, { agent, structuring }) };
}

async function* answer(
  input: TurnInput,
  signal: AbortSignal,
  { agent, structuring }: { readonly agent: Agent; readonly structuring: Structuring },
): AsyncGenerator<AgentChunk> {
  let text = structuring.text();
  for await (const chunk of agent.answer(input, signal)) {
    switch (chunk.type) {
      case 'delta': {
        const piece = text.push(chunk.text);
        if (piece !== '') yield { type: 'delta', text: piece };
        break;
      }
      case 'restarted':
        text = structuring.text();
        yield chunk;
        break;
      case 'done': {
        const rest = text.end();
        if (rest !== '') yield { type: 'delta', text: rest };
        const { citations: given = [], ...done } = chunk;
        const citations = given.length === 0 ? [] : await structuring.citations(input, given);
        yield citations.length === 0 ? done : { ...done, citations };
        break;
      }
      default:
        yield chunk;
    }
  }
}
