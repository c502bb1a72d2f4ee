import type { Store } from '../../storage/store.ts';
import type { Unavailable } from '../../storage/unavailable.ts';
import { err, ok, type Result } from '../domain/result.ts';
import { type Counts, HEADER, type Line, MAX_LINE_BYTES, NO_COUNTS, parseLine } from './format.ts';
import { ConversationImport } from './import-conversation.ts';
import { DocumentImport } from './import-document.ts';
import { type LineFailure, linesOf, type NumberedLine } from './lines.ts';

export interface ImportOptions {
  readonly onProgress?: (counts: Counts) => void;
}

export type ImportFailure =
  | Unavailable
  /** The store has conversations or documents. Nothing was written. */
  | { readonly reason: 'not_empty' }
  /** What stands before this line may be in the store. */
  | ({ readonly reason: 'bad_line' } & LineFailure);

/** Conversations that are written at the same time, so that they share commits. */
const FLIGHTS = 32;

/**
 * Reads an export into an empty store: every line is checked, in order, and written behind the reading, which
 * waits when the store is slower. What it writes is not taken back when it fails.
 *
 * Derived state is made from the lines: `edited` effects from `message.edited` events, members from the
 * conversation's line, everything else from the events as they are (erased ones come erased).
 */
export async function importStore(
  store: Store,
  bytes: AsyncIterable<Uint8Array>,
  { onProgress = () => {} }: ImportOptions = {},
): Promise<Result<Counts, ImportFailure>> {
  const empty = await isEmpty(store);
  if (!empty.ok) return empty;
  if (!empty.value) return err({ reason: 'not_empty' });
  const run = new Import(store);
  let last = 0;
  for await (const line of linesOf(bytes, MAX_LINE_BYTES)) {
    if (!line.ok) return run.failed(line.failure);
    last = line.value.number;
    const failure = await run.take(line.value);
    if (failure !== undefined) return run.failed(failure);
    onProgress(run.counts);
  }
  const failure = await run.end(last);
  return failure === undefined ? ok(run.counts) : run.failed(failure);
}

async function isEmpty(store: Store): Promise<Result<boolean, Unavailable>> {
  const conversations = await store.listAll({ limit: 1 });
  if (!conversations.ok) return conversations;
  const documents = await store.documents.list({ limit: 1 });
  if (!documents.ok) return documents;
  return ok(conversations.value.length === 0 && documents.value.length === 0);
}

/**
 * The state of one import.
 *
 * Owns: what stands where in the file, the conversations under way. Does not own: the batches of each.
 *
 * Invariants:
 * 1. A line is written after all lines before it were found right, and in the order of its conversation.
 * 2. At most FLIGHTS conversations are unfinished; of each, two batches are held.
 * 3. Documents begin when every conversation is stored: they name them.
 */
class Import {
  readonly #store: Store;
  readonly #counts: { -readonly [K in keyof Counts]: number } = { ...NO_COUNTS };
  readonly #flights = new Set<Promise<void>>();
  #conversation: ConversationImport | undefined;
  #document: DocumentImport | undefined;
  #failure: LineFailure | undefined;
  #isEnded = false;

  constructor(store: Store) {
    this.#store = store;
  }

  get counts(): Counts {
    return this.#counts;
  }

  /** What is wrong with this line, or with one before it. */
  async take({ number, text }: NumberedLine): Promise<LineFailure | undefined> {
    if (number === 1) return text.trimEnd() === HEADER ? undefined : noHeader(text);
    const line = parseLine(text);
    const message = line.ok ? await this.#place(line.value, number) : line.failure;
    if (this.#failure !== undefined) return this.#failure;
    return message === undefined ? undefined : { line: number, message };
  }

  /** What is wrong with the file as a whole. */
  async end(lastLine: number): Promise<LineFailure | undefined> {
    if (lastLine === 0) return { line: 1, message: 'is missing: the file is empty' };
    if (this.#isEnded) return undefined;
    return { line: lastLine, message: 'is the last one, and no `end`: the file was cut' };
  }

  /** The answer, once nothing writes any more. */
  async failed(failure: LineFailure): Promise<Result<never, ImportFailure>> {
    await Promise.allSettled([...this.#flights]);
    return err({ reason: 'bad_line', ...failure });
  }

  async #place(line: Line, number: number): Promise<string | undefined> {
    if (this.#isEnded) return 'stands after the `end`';
    switch (line.type) {
      case 'conversation': {
        if (this.#counts.documents > 0) return 'is a conversation after a document';
        const mistake = await this.#finishConversation();
        if (mistake !== undefined) return mistake;
        this.#conversation = new ConversationImport(this.#store, line, (message) => {
          this.#failure ??= { line: number, message };
        });
        this.#counts.conversations += 1;
        return undefined;
      }
      case 'event':
        this.#counts.events += 1;
        return this.#conversation?.event(line) ?? this.#orphan('an event');
      case 'turn':
        this.#counts.turns += 1;
        return this.#conversation?.turn(line) ?? this.#orphan('a turn');
      case 'document': {
        const mistake = (await this.#finishAll()) ?? (await this.#finishDocument());
        if (mistake !== undefined) return mistake;
        this.#document = new DocumentImport(this.#store, line);
        this.#counts.documents += 1;
        return undefined;
      }
      case 'chunk':
        this.#counts.chunks += 1;
        return this.#document === undefined
          ? 'is a chunk without a document before it'
          : this.#document.chunk(line);
      case 'end': {
        const mistake = (await this.#finishAll()) ?? (await this.#finishDocument());
        this.#isEnded = true;
        return mistake ?? this.#miscounted(line);
      }
      default:
        return line satisfies never;
    }
  }

  #orphan(what: string): string | undefined {
    return this.#conversation === undefined ? `is ${what} without a conversation` : undefined;
  }

  /** The last batches of the conversation go on by themselves. */
  async #finishConversation(): Promise<string | undefined> {
    const conversation = this.#conversation;
    if (conversation === undefined) return undefined;
    this.#conversation = undefined;
    const mistake = conversation.incomplete();
    if (mistake !== undefined) return mistake;
    const flight = conversation.finish().then(() => {
      this.#flights.delete(flight);
    });
    this.#flights.add(flight);
    if (this.#flights.size >= FLIGHTS) await Promise.race(this.#flights);
    return undefined;
  }

  async #finishAll(): Promise<string | undefined> {
    const mistake = await this.#finishConversation();
    await Promise.all(this.#flights);
    return mistake;
  }

  async #finishDocument(): Promise<string | undefined> {
    const document = this.#document;
    this.#document = undefined;
    return document?.finish();
  }

  #miscounted(line: Counts): string | undefined {
    for (const what of Object.keys(NO_COUNTS) as (keyof Counts)[]) {
      const [said, found] = [line[what], this.#counts[what]];
      if (said !== found) return `counts ${said} ${what}, and there are ${found} before it`;
    }
    return undefined;
  }
}

function noHeader(text: string): LineFailure {
  const isOther = text.includes('colloquy-export');
  return {
    line: 1,
    message: isOther
      ? `is the header of another version; this program reads ${HEADER}`
      : `is not the header of an export, ${HEADER}`,
  };
}
