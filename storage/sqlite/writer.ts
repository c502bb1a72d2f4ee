import type { ConversationState } from '../../src/domain/conversation.ts';
import { type LogEvent, redactBody } from '../../src/domain/event.ts';
import type { ConversationId } from '../../src/domain/ids.ts';
import { err, ok, type Result } from '../../src/domain/result.ts';
import type { Append, AppendFailure, CreateFailure, Effect, TakenKey } from '../store.ts';
import { wellFormedText } from '../text.ts';
import { type EventRow, eventOf, kindCode } from './codes.ts';
import type { Entry } from './directory.ts';
import type { KeyIndex } from './key-index.ts';
import type { Tables } from './tables.ts';

/** Takes back what a write changed in memory; run newest first when its transaction is rolled back. */
export type Undo = (() => void)[];

interface Claim {
  readonly event: LogEvent;
  readonly hash: number;
  readonly index: KeyIndex;
}

const DONE = ok(undefined);
const HEAD_CONFLICT = err({ reason: 'head_conflict' } as const);

/**
 * What each write does inside the group's transaction.
 *
 * Invariants:
 * W1. A write that refuses (`head_conflict`, `keys_taken`, `already_exists`) has changed neither file nor memory.
 * W2. Whatever a write changes in memory it puts into `undo` first: file and memory go back together.
 * W3. Row numbers only grow while the process lives, so a row number never names two events.
 */
export class Writer {
  readonly #tables: Tables;
  #lastRow: number;
  /** The hashes of the keys of the batch that is being added. */
  readonly #hashes: number[] = [];

  constructor(tables: Tables) {
    this.#tables = tables;
    this.#lastRow = tables.log.last();
  }

  /** The highest row number given out; rows that were rolled back keep theirs. */
  get lastRow(): number {
    return this.#lastRow;
  }

  create(
    state: ConversationState,
    events: readonly LogEvent[],
    undo: Undo,
  ): Result<void, CreateFailure> {
    const { conversations, directory } = this.#tables;
    const { id, firstSeq } = state.conversation;
    if (directory.find(id) !== undefined) return err({ reason: 'already_exists' });
    const entry = { cid: conversations.insert(state), firstSeq, head: firstSeq - 1 };
    undo.push(() => directory.forget(id));
    directory.put(id, entry);
    this.#add(entry, events, undo);
    return DONE;
  }

  append({ id, expectedHead, events, effects }: Append, undo: Undo): Result<void, AppendFailure> {
    const entry = this.#tables.directory.find(id);
    if (entry === undefined || entry.head !== expectedHead) return HEAD_CONFLICT;
    const taken = this.#add(entry, events, undo);
    if (taken !== undefined) return err({ reason: 'keys_taken', taken });
    for (const effect of effects) {
      if (effect.kind === 'trimmed') this.#trim(entry, effect.firstSeq, undo);
      else this.#apply(id, entry, effect);
    }
    return DONE;
  }

  remove(id: ConversationId, undo: Undo): Result<boolean, never> {
    const { conversations, directory, pending } = this.#tables;
    const entry = directory.find(id);
    if (entry === undefined) return ok(false);
    conversations.remove(entry.cid, this.#lastRow);
    this.#tables.notes.dropSummary(entry.cid, 0);
    directory.forget(id);
    undo.push(pending.forget(entry.cid), () => directory.put(id, entry));
    return ok(true);
  }

  secret(name: string, make: () => Uint8Array): Result<Uint8Array, never> {
    const { sides } = this.#tables;
    const stored = sides.secret(name);
    if (stored !== undefined) return ok(stored);
    const made = Uint8Array.from(make());
    sides.putSecret(name, made);
    return ok(made);
  }

  /** The hot path. The keys that are taken, having written nothing; or undefined, having written all. */
  #add(entry: Entry, events: readonly LogEvent[], undo: Undo): readonly TakenKey[] | undefined {
    if (events.length === 0) return undefined;
    const { log, pending, keys } = this.#tables;
    const { cid, head } = entry;
    const run = pending.open(cid, head + 1);
    const length = run.count;
    const takeBack = () => {
      keys.forget(cid);
      pending.truncate(cid, length);
      entry.head = head;
    };
    const taken = this.#claimKeys(entry, events);
    if (taken !== undefined) {
      takeBack();
      return taken;
    }
    undo.push(takeBack);
    for (let at = 0; at < events.length; at += 1) {
      const event = events[at];
      if (event === undefined) continue;
      this.#lastRow += 1;
      const row = this.#lastRow;
      pending.push(run, cid, { row, keyHash: this.#hashes[at] ?? 0, kind: kindCode(event.kind) });
      log.insert(row, cid, event);
    }
    entry.head = head + events.length;
    return undefined;
  }

  /** Puts the batch's keys into the indexes and names those that were stored before, or come twice in the batch. */
  #claimKeys(entry: Entry, events: readonly LogEvent[]): TakenKey[] | undefined {
    const { keys } = this.#tables;
    const hashes = this.#hashes;
    let index: KeyIndex | undefined;
    let taken: TakenKey[] | undefined;
    for (let at = 0; at < events.length; at += 1) {
      const event = events[at];
      if (event === undefined) continue;
      if (event.key === null) {
        hashes[at] = 0;
        continue;
      }
      const hash = keys.hash(event.author.id, wellFormedText(event.key));
      index ??= keys.of(entry.cid);
      const seq = index.has(hash) ? this.#seqOf(entry, { event, hash, index }, events) : undefined;
      if (seq === undefined) {
        hashes[at] = hash;
        index = keys.add(entry.cid, index, { hash, seq: event.seq });
      } else {
        taken ??= [];
        taken.push({ index: at, seq });
      }
    }
    return taken;
  }

  /** Where the event's key was stored before, of all that have its hash; or an earlier event of the batch has it. */
  #seqOf({ cid, head }: Entry, claim: Claim, events: readonly LogEvent[]): number | undefined {
    const { event, hash, index } = claim;
    const { keys } = this.#tables;
    const key = wellFormedText(event.key ?? '');
    const sender = event.author.id;
    return index.find(hash, (known) =>
      known > head
        ? hasKey(events[known - head - 1], { sender, key })
        : keys.isKeyOf(cid, known, { sender, key }),
    );
  }

  #apply(id: ConversationId, entry: Entry, effect: Exclude<Effect, { kind: 'trimmed' }>): void {
    const { cid } = entry;
    const { conversations, sides, notes } = this.#tables;
    switch (effect.kind) {
      case 'member':
        conversations.putMember(cid, id, effect.member);
        return;
      case 'member_gone':
        conversations.dropMember(cid, effect.participantId);
        return;
      case 'settings':
        conversations.setSettings(cid, effect.conversation);
        return;
      case 'edited':
        sides.addEdit(cid, effect.targetSeq, effect.seq);
        notes.dropSummary(cid, effect.targetSeq);
        return;
      case 'erased':
        this.#erase(entry, effect.targetSeq);
        notes.dropSummary(cid, effect.targetSeq);
        return;
      case 'turn':
        sides.putTurn(cid, effect.turn);
        return;
      case 'summary':
        notes.putSummary(cid, effect.summary);
        return;
      default:
        effect satisfies never;
    }
  }

  /** The message and its edits; what was trimmed is erased already, or soon, and its row may be gone. */
  #erase({ cid, firstSeq }: Entry, targetSeq: number): void {
    const { sides, messages } = this.#tables;
    for (const seq of [targetSeq, ...sides.editsOf(cid, targetSeq)])
      if (seq >= firstSeq) this.#redact(cid, seq);
    messages.drop(cid, targetSeq);
  }

  #trim(entry: Entry, firstSeq: number, undo: Undo): void {
    const { conversations, trims, notes } = this.#tables;
    const { cid, firstSeq: before } = entry;
    if (firstSeq <= before) return;
    undo.push(() => {
      entry.firstSeq = before;
    });
    conversations.setFirstSeq(cid, firstSeq);
    notes.dropSummary(cid, 0);
    trims.mark(cid, before, this.#lastRow);
    entry.firstSeq = firstSeq;
  }

  #redact(cid: number, seq: number): void {
    const { log, places, pending } = this.#tables;
    const row = pending.rowOf(cid, seq) ?? places.rowOf(cid, seq);
    const body = row === undefined ? undefined : redacted(log.get(row));
    if (row !== undefined && body !== undefined) log.setBody(row, body);
  }
}

/** Undefined when this is no event with content: a caller's mistake changes nothing. */
function redacted(row: EventRow): string | undefined {
  const { kind, body } = eventOf(row);
  return kind === 'message' || kind === 'message.edited' ? redactBody(kind, body) : undefined;
}

function hasKey(
  event: LogEvent | undefined,
  { sender, key }: { sender: string; key: string },
): boolean {
  if (event?.author.id !== sender || event.key === null) return false;
  return wellFormedText(event.key) === key;
}
