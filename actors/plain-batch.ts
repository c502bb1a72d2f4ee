import type { Conversation } from '../src/domain/conversation.ts';
import type { LogEvent } from '../src/domain/event.ts';
import type { ConversationId, ParticipantId } from '../src/domain/ids.ts';
import { type Member, maySend } from '../src/domain/participant.ts';
import type { Append } from '../storage/store.ts';
import type { Draft, MessageDraft } from './draft.ts';
import type { Staged } from './stage.ts';

/** Shared, and so never added to. */
const NONE: never[] = [];

/** A conversation but for its head, which moves with each message. */
export type Headless = Omit<Conversation, 'headSeq'>;

/** What a plain batch is numbered on. */
export interface Standing {
  readonly headless: Headless;
  readonly headSeq: number;
  readonly members: ReadonlyMap<ParticipantId, Member>;
}

/**
 * The batch of a single message that asks no agent, which is nearly every batch of a small conversation: the same
 * as `stage` makes of it (tests/actors/stage.test.ts), in a fifth of the memory. It is its own append, and the one
 * draft that it numbers.
 */
export class PlainBatch implements Staged, Append {
  readonly drafts: readonly Draft[];
  readonly draft: Draft;
  readonly event: LogEvent;
  readonly events: readonly LogEvent[];
  readonly members: ReadonlyMap<ParticipantId, Member>;
  readonly #headless: Headless;

  constructor({ headless, headSeq, members }: Standing, draft: MessageDraft, now: number) {
    const { author, key, body } = draft;
    this.draft = draft;
    this.drafts = [draft];
    this.event = { seq: headSeq + 1, kind: 'message', author, createdAt: now, key, body };
    this.events = [this.event];
    this.members = members;
    this.#headless = headless;
  }

  get id(): ConversationId {
    return this.#headless.id;
  }

  get expectedHead(): number {
    return this.event.seq - 1;
  }

  get numbered(): Staged['numbered'] {
    return [this];
  }

  get conversation(): Conversation {
    return { ...this.#headless, headSeq: this.event.seq };
  }

  get twins(): Draft[] {
    return NONE;
  }

  get effects(): Staged['effects'] {
    return NONE;
  }

  get silent(): Staged['silent'] {
    return NONE;
  }

  get answered(): Staged['answered'] {
    return NONE;
  }

  get asked(): Staged['asked'] {
    return NONE;
  }
}

/** Undefined when there is more to judge than that one message: `stage` does it. */
export function plainBatch(
  standing: Standing,
  drafts: readonly Draft[],
  now: number,
): PlainBatch | undefined {
  const [draft] = drafts;
  if (drafts.length !== 1 || draft?.kind !== 'message') return undefined;
  if (draft.ends !== undefined || draft.replyTo !== undefined) return undefined;
  if (draft.asks !== undefined) return undefined;
  const { agent, agents } = standing.headless;
  if (agent !== null || (agents?.length ?? 0) > 0) return undefined;
  const { members } = standing;
  const member = draft.among === members ? draft.member : members.get(draft.author.id);
  if (member === undefined || !maySend(member.role)) return undefined;
  return new PlainBatch(standing, draft, now);
}
