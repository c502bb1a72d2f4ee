import type { Append, AppendFailure, CreateFailure, Effect, Store } from '../../storage/store.ts';
import type { ConversationState } from '../domain/conversation.ts';
import { decodeBody, isKind, type LogEvent } from '../domain/event.ts';
import { eventOf, type LineOf, stateOf, turnOf } from './format.ts';

/** What one append takes. */
const BATCH = { events: 512, chars: 2 ** 20, turns: 256 };

/** Writes one conversation of an export: its lines in, batches of appends out, one after the other. */
export class ConversationImport {
  readonly #store: Store;
  readonly #state: ConversationState;
  readonly #onFailure: (message: string) => void;
  /** The head once all that was handed over is stored. */
  #head: number;
  #events: LogEvent[] = [];
  #effects: Effect[] = [];
  #chars = 0;
  #hasTurns = false;
  /** Whether all that was handed over is stored, once it is known. */
  #stored: Promise<boolean>;

  /** `onFailure` is told, once, why it could not be stored. */
  constructor(store: Store, line: LineOf<'conversation'>, onFailure: (message: string) => void) {
    this.#store = store;
    this.#state = stateOf(line);
    this.#onFailure = onFailure;
    const { conversation } = this.#state;
    this.#head = conversation.firstSeq - 1;
    this.#stored = this.#create({
      ...this.#state,
      conversation: { ...conversation, headSeq: this.#head },
    });
  }

  /** What is wrong with it; waits while the store is behind. */
  async event(line: LineOf<'event'>): Promise<string | undefined> {
    const { firstSeq, headSeq } = this.#state.conversation;
    const expected = this.#head + this.#events.length + 1;
    if (this.#hasTurns) return 'is an event after a turn of its conversation';
    if (line.seq !== expected) return `has seq ${line.seq} in the place of ${expected}`;
    if (line.seq > headSeq) return `has seq ${line.seq}, and the conversation ends at ${headSeq}`;
    const event = storable(line);
    if (event === undefined) return 'is nested too deep';
    this.#events.push(event);
    this.#chars += event.body.length;
    if (isKind(event, 'message.edited')) {
      const { target_seq: targetSeq } = decodeBody(event);
      // An edit of a trimmed message has nothing to change.
      if (targetSeq >= firstSeq) this.#effects.push({ kind: 'edited', targetSeq, seq: event.seq });
    }
    if (this.#events.length < BATCH.events && this.#chars < BATCH.chars) return undefined;
    return this.#handOver();
  }

  async turn(line: LineOf<'turn'>): Promise<string | undefined> {
    this.#hasTurns = true;
    this.#effects.push({ kind: 'turn', turn: turnOf(line) });
    return this.#effects.length < BATCH.turns ? undefined : this.#handOver();
  }

  /** What its lines lack, when the next thing begins. */
  incomplete(): string | undefined {
    const { id, headSeq } = this.#state.conversation;
    const head = this.#head + this.#events.length;
    if (head === headSeq) return undefined;
    return `comes where event ${head + 1} of ${headSeq} of conversation ${id} should`;
  }

  /** Stores what is left. */
  async finish(): Promise<void> {
    await this.#handOver();
    await this.#stored;
  }

  /** One batch is under way at a time, and one is filled meanwhile. After a failure nothing more is stored. */
  async #handOver(): Promise<undefined> {
    const isStored = await this.#stored;
    const [events, effects] = [this.#events, this.#effects];
    if (!isStored || (events.length === 0 && effects.length === 0)) return;
    this.#stored = this.#append({ expectedHead: this.#head, events, effects });
    this.#head += events.length;
    this.#events = [];
    this.#effects = [];
    this.#chars = 0;
  }

  async #create(state: ConversationState): Promise<boolean> {
    const created = await this.#store.create(state, []);
    if (!created.ok) this.#failed(created.failure);
    return created.ok;
  }

  async #append(batch: Omit<Append, 'id'>): Promise<boolean> {
    const { id } = this.#state.conversation;
    const appended = await this.#store.append({ id, ...batch });
    if (!appended.ok) this.#failed(appended.failure);
    return appended.ok;
  }

  #failed(failure: CreateFailure | AppendFailure): void {
    this.#onFailure(sentenceOf(failure, this.#state.conversation.id));
  }
}

/** Undefined when it has more levels than can be written down again. */
function storable(line: LineOf<'event'>): LogEvent | undefined {
  try {
    return eventOf(line);
  } catch {
    return undefined;
  }
}

function sentenceOf(failure: CreateFailure | AppendFailure, id: string): string {
  switch (failure.reason) {
    case 'already_exists':
      return `is conversation ${id} a second time`;
    case 'head_conflict':
      return `begins conversation ${id}, to which something else writes`;
    case 'keys_taken':
      return `begins conversation ${id}, where a sender has a key twice: see event ${failure.taken[0]?.seq}`;
    case 'storage_unavailable':
      return `begins conversation ${id}, which could not be written: ${causeOf(failure.cause)}`;
    default:
      return failure satisfies never;
  }
}

function causeOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
