import { decodeBody, isKind, type LogEvent } from '../src/domain/event.ts';
import type { ParticipantId } from '../src/domain/ids.ts';

/** Seqs of the agent's messages that are remembered, to know a reply to it. */
const AGENT_SEQS = 512;
/** Seqs that were erased a moment ago: a change of them may have been looked at before that. */
const ERASED_SEQS = 4_096;

/** What a conversation remembers of its newest events, in bounds: made when there is something to remember. */
export class RecentSeqs {
  #erased: Set<number> | undefined;
  #agents: Map<number, ParticipantId> | undefined;

  isErased(seq: number): boolean {
    return this.#erased?.has(seq) === true;
  }

  /** The agent whose message it is, if that is known. */
  agentOf(seq: number): ParticipantId | undefined {
    return this.#agents?.get(seq);
  }

  /** Of the newest events, or of one that a reply pointed to. Amortised O(1). */
  remember(event: LogEvent): void {
    if (isKind(event, 'message.deleted')) {
      this.#erased = bounded(this.#erased, decodeBody(event).target_seq, ERASED_SEQS);
    } else if (event.author.kind === 'agent') {
      this.#agents = remembered(this.#agents, event);
    }
  }
}

/** With one more message of an agent; the older half is forgotten when there are more than AGENT_SEQS. */
function remembered(
  agents: Map<number, ParticipantId> | undefined,
  { seq, author }: LogEvent,
): Map<number, ParticipantId> {
  const more = (agents ?? new Map<number, ParticipantId>()).set(seq, author.id);
  return more.size > AGENT_SEQS ? new Map([...more].slice(-AGENT_SEQS / 2)) : more;
}

/** With one more seq; the older half is forgotten when there are more than `most`. */
function bounded(seqs: Set<number> | undefined, seq: number, most: number): Set<number> {
  const more = (seqs ?? new Set()).add(seq);
  return more.size > most ? new Set([...more].slice(-most / 2)) : more;
}
