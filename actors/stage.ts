import { isDeepStrictEqual } from 'node:util';
import { agentsOf, type Conversation } from '../src/domain/conversation.ts';
import {
  type EventBodies,
  type EventKind,
  encodeBody,
  type LogEvent,
} from '../src/domain/event.ts';
import { type Failure, failure } from '../src/domain/failure.ts';
import type { ParticipantId } from '../src/domain/ids.ts';
import { type Member, mayManage, maySend } from '../src/domain/participant.ts';
import type { Turn } from '../src/domain/turn.ts';
import type { Effect } from '../storage/store.ts';
import { AskedTurns } from './asked-turns.ts';
import { asksOfAnswer, type ChainLimits, isNewestOnly, noSuchAgent, whoAnswers } from './asking.ts';
import type { Draft, MessageDraft, Outcome } from './draft.ts';
import { countHumans } from './mentions.ts';
import { wireChange } from './wire-change.ts';

/** What a batch is numbered on: the conversation as the last commit left it. */
export interface StageView {
  readonly conversation: Conversation;
  readonly members: ReadonlyMap<ParticipantId, Member>;
  readonly maxParticipants: number;
  readonly maxQueuedTurns: number;
  readonly chain: ChainLimits;
  /** This process has agents: a turn that need not wait begins with its batch. */
  readonly beginsTurns: boolean;
  /** The name of this server among those that share the store; absent where there are no others. */
  readonly runner: string | undefined;
  /** Turns of an agent that have not ended. */
  readonly openTurns: (agent: ParticipantId) => number;
  readonly isErased: (seq: number) => boolean;
  /** The agent whose message it is, if that is known. */
  readonly agentOf: (seq: number) => ParticipantId | undefined;
}

/** A draft that became an event, and those of the same sender and key that came in with it. */
interface Numbered {
  readonly draft: Draft;
  readonly event: LogEvent;
  readonly twins: Draft[];
}

export interface Staged {
  /** All of them, in the order in which they came. */
  readonly drafts: readonly Draft[];
  readonly expectedHead: number;
  readonly numbered: readonly Numbered[];
  /** Those of `numbered`. */
  readonly events: readonly LogEvent[];
  readonly effects: readonly Effect[];
  /** Drafts that become no event but are durable with this batch. */
  readonly silent: readonly Draft[];
  /** Drafts that become nothing: refused, or asking for what is so, once this batch is durable. */
  readonly answered: ReadonlyArray<{ readonly draft: Draft; readonly outcome: Outcome }>;
  /** Turns that this batch asks for. */
  readonly asked: readonly Turn[];
  /** The conversation and its members after the batch. */
  readonly conversation: Conversation;
  readonly members: ReadonlyMap<ParticipantId, Member>;
}

/**
 * Turns a whole mailbox into one batch, numbered head + 1, head + 2, …. Pure. Each draft is judged by what
 * the drafts before it in the batch leave behind: who was removed a moment ago can't send any more.
 */
export function stage(view: StageView, drafts: readonly Draft[], now: number): Staged {
  const batch = new Batch(view, now, drafts.length > 1);
  for (const draft of drafts) batch.take(draft);
  return { drafts, ...batch.done() };
}

/** What a draft leads to: an event's body, or nothing but effects, or an answer at once. */
type Judged = { readonly body: string } | 'silent' | { readonly outcome: Outcome };

class Batch {
  readonly #view: StageView;
  readonly #now: number;
  readonly #numbered: Numbered[] = [];
  readonly #effects: Effect[] = [];
  readonly #silent: Draft[] = [];
  readonly #answered: Array<{ draft: Draft; outcome: Outcome }> = [];
  readonly #asked: AskedTurns;
  /**
   * The drafts with keys so far; undefined when there is only one draft, which has no twins. The first with a key
   * stands under it, others' with the same key under a text of both: keys are seldom the same, and texts cost.
   */
  readonly #keys: Map<string, Numbered> | undefined;
  #erased: Set<number> | undefined;
  #conversation: Conversation;
  #members: Map<ParticipantId, Member> | undefined;
  #seq: number;

  constructor(view: StageView, now: number, isShared: boolean) {
    this.#view = view;
    this.#keys = isShared ? new Map() : undefined;
    this.#now = now;
    this.#asked = new AskedTurns({ view, now, effects: this.#effects });
    this.#conversation = view.conversation;
    this.#seq = view.conversation.headSeq;
  }

  take(draft: Draft): void {
    const twin = this.#twinOf(draft);
    if (twin !== undefined) {
      twin.twins.push(draft);
      return;
    }
    const judged = this.#judge(draft);
    if (judged === 'silent') this.#silent.push(draft);
    else if ('outcome' in judged) this.#answered.push({ draft, outcome: judged.outcome });
    else this.#number(draft, judged.body);
  }

  done(): Omit<Staged, 'drafts'> {
    const headSeq = this.#seq;
    return {
      expectedHead: this.#view.conversation.headSeq,
      numbered: this.#numbered,
      events: this.#numbered.map(({ event }) => event),
      effects: this.#effects,
      silent: this.#silent,
      answered: this.#answered,
      asked: this.#asked.turns,
      conversation: { ...this.#conversation, headSeq },
      members: this.#members ?? this.#view.members,
    };
  }

  #twinOf({ key, author }: Draft): Numbered | undefined {
    if (key === null || this.#keys === undefined) return undefined;
    const first = this.#keys.get(key);
    if (first === undefined || first.draft.author.id === author.id) return first;
    return this.#keys.get(pairText(author.id, key));
  }

  #rememberKey(numbered: Numbered): void {
    const { key, author } = numbered.draft;
    if (key === null || this.#keys === undefined) return;
    this.#keys.set(this.#keys.has(key) ? pairText(author.id, key) : key, numbered);
  }

  #number(draft: Draft, body: string): void {
    this.#seq += 1;
    const event: LogEvent = {
      seq: this.#seq,
      kind: draft.kind as EventKind,
      author: draft.author,
      createdAt: this.#now,
      key: draft.key,
      body,
    };
    const numbered: Numbered = { draft, event, twins: [] };
    this.#numbered.push(numbered);
    this.#rememberKey(numbered);
  }

  #judge(draft: Draft): Judged {
    switch (draft.kind) {
      case 'message':
        return this.#message(draft);
      case 'message.edited':
      case 'message.deleted':
        return this.#amendment(draft);
      case 'participant.joined':
        return this.#joining(draft);
      case 'participant.left':
        return this.#leaving(draft);
      case 'participant.role_changed':
        return this.#roleChange(draft);
      case 'conversation.updated':
        return this.#update(draft);
      case 'turn':
        this.#effects.push({ kind: 'turn', turn: draft.turn });
        return 'silent';
      case 'turn.decided': {
        const refused = this.#refusesSender(draft);
        if (refused !== undefined) return no(refused);
        this.#effects.push({ kind: 'turn', turn: draft.turn });
        return draft;
      }
      case 'ask':
        return this.#askFor(draft);
      case 'trimmed':
        return this.#trimming(draft.firstSeq);
      default:
        return draft satisfies never;
    }
  }

  #message(draft: MessageDraft): Judged {
    if (draft.ends !== undefined) {
      this.#effects.push({ kind: 'turn', turn: { ...draft.ends, messageSeq: this.#seq + 1 } });
      if (draft.ends.state === 'completed') this.#askOthers(draft.ends, draft.content);
      return draft;
    }
    const refused = this.#refusesSender(draft);
    if (refused !== undefined) return no(refused);
    if (draft.replyTo !== undefined && draft.replyTo > this.#seq) {
      return no(failure('invalid_field', { message: '`reply_to`: there is no such seq yet' }));
    }
    if (draft.replyTo !== undefined && draft.replyTo < this.#conversation.firstSeq) {
      return no(failure('trimmed', { message: '`reply_to`: the log begins after this seq' }));
    }
    return this.#ask(draft) ?? draft;
  }

  /** Writes turns down with the message that asks for them; answers only when a policy refuses the message. */
  #ask(draft: MessageDraft): Judged | undefined {
    const { asks, content, replyTo } = draft;
    const agents = agentsOf(this.#conversation);
    if (agents.length === 0 && asks === undefined) return;
    const repliesTo = replyTo === undefined ? undefined : this.#view.agentOf(replyTo);
    const humans = countHumans(this.#roster().values());
    const asked = whoAnswers(agents, humans, { content, repliesTo, asks });
    if (asked === undefined) return no(noSuchAgent());
    const refusals = asked.map((agent) => this.#asked.refuses(agent));
    const [own] = asks === undefined ? [] : refusals;
    // A full queue costs an answer, never a message: what was said is in the history of the next turn.
    const refused = own ?? refusals.find((reason) => reason === 'turn_in_progress');
    if (refused !== undefined) return no(failure(refused));
    for (const agent of asked) {
      const before = isNewestOnly(agent) ? this.#asked.withdraw(agent) : [];
      const others = agent.whileBusy === 'debounce' ? before : [];
      const askedBy = [...new Set([...others, draft.author.id])];
      const turnId = asks?.agentId === agent.id ? asks.turnId : undefined;
      const ask = { agent, askedBy, triggerSeq: this.#seq + 1, turnId };
      this.#asked.ask(ask, this.#conversation.id);
    }
    return undefined;
  }

  #askOthers(ended: Turn, content: string): void {
    const about = { ended, content, triggerSeq: this.#seq + 1 };
    const asks = asksOfAnswer(about, this.#conversation, this.#view.chain);
    for (const ask of asks) this.#asked.ask(ask, this.#conversation.id);
  }

  #askFor(draft: Draft & { kind: 'ask' }): Judged {
    const refused = this.#refusesSender(draft);
    if (refused !== undefined) return no(refused);
    const agent = agentsOf(this.#conversation).find(({ id }) => id === draft.agentId);
    if (agent === undefined) return no(noSuchAgent());
    const ask = { ...draft, agent, askedBy: [draft.author.id] };
    const full = this.#asked.ask(ask, this.#conversation.id);
    return full === undefined ? 'silent' : no(failure(full));
  }

  #amendment(draft: Draft & { kind: 'message.edited' | 'message.deleted' }): Judged {
    const refused = this.#refusesSender(draft);
    if (refused !== undefined) return no(refused);
    if (this.#erased?.has(draft.targetSeq) || this.#view.isErased(draft.targetSeq)) {
      return no(failure('deleted'));
    }
    const { targetSeq } = draft;
    if (targetSeq < this.#conversation.firstSeq) return no(failure('trimmed'));
    if (draft.kind === 'message.edited') {
      this.#effects.push({ kind: 'edited', targetSeq, seq: this.#seq + 1 });
    } else {
      this.#erased ??= new Set();
      this.#erased.add(targetSeq);
      this.#effects.push({ kind: 'erased', targetSeq });
    }
    return draft;
  }

  #joining(draft: Draft & { kind: 'participant.joined' }): Judged {
    const { member } = draft;
    const members = this.#roster();
    if (draft.author.id !== member.id) {
      const refused = this.#refusesManager(draft);
      if (refused !== undefined) return no(refused);
    }
    if (members.has(member.id)) return this.#isSo();
    if (draft.author.id === member.id && this.#conversation.visibility === 'invite') {
      return no(failure('conversation_not_found'));
    }
    if (members.size >= this.#view.maxParticipants) return no(failure('too_many_participants'));
    this.#change().set(member.id, member);
    this.#effects.push({ kind: 'member', member });
    return this.#body('participant.joined', { participant: member });
  }

  #leaving(draft: Draft & { kind: 'participant.left' }): Judged {
    const member = this.#roster().get(draft.participantId);
    if (member === undefined) return no(failure('not_found', { message: 'No such participant.' }));
    if (draft.author.id !== member.id) {
      const refused = this.#refusesManager(draft);
      if (refused !== undefined) return no(refused);
    }
    this.#change().delete(member.id);
    this.#effects.push({ kind: 'member_gone', participantId: member.id });
    return this.#body('participant.left', { participant: member });
  }

  #roleChange(draft: Draft & { kind: 'participant.role_changed' }): Judged {
    const refused = this.#refusesManager(draft);
    if (refused !== undefined) return no(refused);
    const before = this.#roster().get(draft.participantId);
    if (before === undefined) return no(failure('not_found', { message: 'No such participant.' }));
    if (before.role === draft.role) return this.#isSo();
    const member: Member = { ...before, role: draft.role };
    this.#change().set(member.id, member);
    this.#effects.push({ kind: 'member', member });
    return this.#body('participant.role_changed', { participant_id: member.id, role: member.role });
  }

  #update(draft: Draft & { kind: 'conversation.updated' }): Judged {
    const refused = this.#refusesManager(draft);
    if (refused !== undefined) return no(refused);
    const before = this.#conversation;
    const changes = Object.entries(draft.changes).filter(
      ([field, value]) => !isDeepStrictEqual(before[field as keyof Conversation], value),
    );
    if (changes.length === 0) return this.#isSo();
    this.#conversation = { ...before, ...draft.changes, updatedAt: this.#now };
    this.#effects.push({ kind: 'settings', conversation: this.#conversation });
    return this.#body('conversation.updated', {
      changes: Object.fromEntries(changes.map(wireChange)),
    });
  }

  #trimming(wanted: number): Judged {
    const firstSeq = Math.min(wanted, this.#seq + 1);
    if (firstSeq <= this.#conversation.firstSeq) return this.#isSo();
    this.#conversation = { ...this.#conversation, firstSeq };
    this.#effects.push({ kind: 'trimmed', firstSeq });
    return 'silent';
  }

  #refusesSender({ author }: Draft): Failure | undefined {
    const member = this.#roster().get(author.id);
    if (member === undefined) return this.#stranger();
    return maySend(member.role) ? undefined : failure('forbidden');
  }

  #refusesManager({ author }: Draft): Failure | undefined {
    const member = this.#roster().get(author.id);
    if (member === undefined) return this.#stranger();
    return mayManage(member.role) ? undefined : failure('forbidden');
  }

  /** To who is not in it, a conversation for the invited does not exist. */
  #stranger(): Failure {
    const isHidden = this.#conversation.visibility === 'invite';
    return failure(isHidden ? 'conversation_not_found' : 'not_a_participant');
  }

  /** Asked for what is so already: a receipt, and no event. */
  #isSo(): Judged {
    return {
      outcome: {
        ok: true,
        value: { seq: this.#seq, createdAt: this.#now, duplicate: true },
      },
    };
  }

  #body<K extends EventKind>(kind: K, body: EventBodies[K]): Judged {
    return { body: encodeBody(kind, body) };
  }

  #roster(): ReadonlyMap<ParticipantId, Member> {
    return this.#members ?? this.#view.members;
  }

  #change(): Map<ParticipantId, Member> {
    this.#members ??= new Map(this.#view.members);
    return this.#members;
  }
}

/** No key has a blank in it. */
function pairText(author: ParticipantId, key: string): string {
  return `${author} ${key}`;
}

function no(refusal: Failure): Judged {
  return { outcome: { ok: false, failure: refusal } };
}
