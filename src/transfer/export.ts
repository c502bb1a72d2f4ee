import type { StoredDocument } from '../../storage/document-store.ts';
import type { Store } from '../../storage/store.ts';
import type { Unavailable } from '../../storage/unavailable.ts';
import type { ConversationState } from '../domain/conversation.ts';
import type { ConversationId } from '../domain/ids.ts';
import { err, ok, type Result } from '../domain/result.ts';
import {
  chunkLine,
  conversationLine,
  documentLine,
  endLine,
  eventLine,
  turnLine,
} from './encode.ts';
import { type Counts, HEADER, NO_COUNTS } from './format.ts';

export interface ExportTarget {
  /** Settled when there is room for more. */
  readonly write: (text: string) => Promise<void>;
  readonly onProgress?: (counts: Counts) => void;
}

export type ExportFailure =
  | Unavailable
  /** It was trimmed or removed while it was read: what is written by then is not whole. */
  | { readonly reason: 'changed_meanwhile'; readonly id: ConversationId };

/** What is held at a time: a page of each, and what is not written yet. */
const PAGE = {
  conversations: 500,
  events: 1_000,
  chars: 2 ** 20,
  turns: 500,
  documents: 50,
  chunks: 200,
};
const WRITE_CHARS = 65_536;

/** Writes all that is in a store in the format of `format.ts`, a page at a time. */
export async function exportStore(
  store: Store,
  target: ExportTarget,
): Promise<Result<Counts, ExportFailure>> {
  return new Export(store, target).run();
}

class Export {
  readonly #store: Store;
  readonly #target: ExportTarget;
  readonly #counts: { -readonly [K in keyof Counts]: number } = { ...NO_COUNTS };
  #unwritten: string[] = [];
  #unwrittenChars = 0;

  constructor(store: Store, target: ExportTarget) {
    this.#store = store;
    this.#target = target;
  }

  async run(): Promise<Result<Counts, ExportFailure>> {
    await this.#line(HEADER);
    const conversations = await this.#conversations();
    if (!conversations.ok) return conversations;
    const documents = await this.#documents();
    if (!documents.ok) return documents;
    await this.#line(endLine(this.#counts));
    await this.#flush();
    return ok(this.#counts);
  }

  async #conversations(): Promise<Result<void, ExportFailure>> {
    let afterId: ConversationId | undefined;
    for (;;) {
      const page = await this.#store.listAll({
        limit: PAGE.conversations,
        ...(afterId === undefined ? {} : { afterId }),
      });
      if (!page.ok) return page;
      for (const id of page.value) {
        const loaded = await this.#store.load(id);
        if (!loaded.ok) return loaded;
        // Removed since it was listed.
        if (loaded.value === undefined) continue;
        const done = await this.#conversation(loaded.value);
        if (!done.ok) return done;
      }
      afterId = page.value.at(-1);
      if (afterId === undefined) return ok(undefined);
    }
  }

  async #conversation(state: ConversationState): Promise<Result<void, ExportFailure>> {
    this.#counts.conversations += 1;
    await this.#line(conversationLine(state));
    const events = await this.#events(state);
    return events.ok ? this.#turns(state.conversation.id) : events;
  }

  /** Up to the head as it was loaded: the log may grow meanwhile. */
  async #events({ conversation }: ConversationState): Promise<Result<void, ExportFailure>> {
    const { id, firstSeq, headSeq } = conversation;
    let at = firstSeq - 1;
    while (at < headSeq) {
      const page = await this.#store.readEvents(id, {
        afterSeq: at,
        limit: Math.min(PAGE.events, headSeq - at),
        maxChars: PAGE.chars,
      });
      if (!page.ok) return page;
      if (page.value[0]?.seq !== at + 1) return err({ reason: 'changed_meanwhile', id });
      for (const event of page.value) await this.#line(eventLine(event));
      this.#count('events', page.value.length);
      at += page.value.length;
    }
    return ok(undefined);
  }

  async #turns(id: ConversationId): Promise<Result<void, ExportFailure>> {
    let page = await this.#store.readTurns(id, { limit: PAGE.turns });
    for (;;) {
      if (!page.ok) return page;
      for (const turn of page.value) await this.#line(turnLine(turn));
      this.#count('turns', page.value.length);
      const last = page.value.at(-1);
      if (last === undefined) return ok(undefined);
      page = await this.#store.readTurns(id, { afterId: last.id, limit: PAGE.turns });
    }
  }

  async #documents(): Promise<Result<void, ExportFailure>> {
    let page = await this.#store.documents.list({ limit: PAGE.documents });
    for (;;) {
      if (!page.ok) return page;
      for (const stored of page.value) {
        const done = await this.#document(stored);
        if (!done.ok) return done;
      }
      const last = page.value.at(-1);
      if (last === undefined) return ok(undefined);
      page = await this.#store.documents.list({
        afterId: last.document.id,
        limit: PAGE.documents,
      });
    }
  }

  /** One that is removed meanwhile is one that was never listed: its chunks go with it, so they are read first. */
  async #document({ document }: StoredDocument): Promise<Result<void, ExportFailure>> {
    const lines = [documentLine(document)];
    for (let at = 0; at < document.chunkCount; ) {
      const page = await this.#store.documents.readChunks(document.id, {
        limit: PAGE.chunks,
        ...(at === 0 ? {} : { afterIndex: at - 1 }),
      });
      if (!page.ok) return page;
      if (page.value.length === 0) return ok(undefined);
      lines.push(...page.value.map(chunkLine));
      at += page.value.length;
    }
    for (const line of lines) await this.#line(line);
    this.#count('chunks', document.chunkCount);
    this.#count('documents', 1);
    return ok(undefined);
  }

  #count(what: keyof Counts, more: number): void {
    this.#counts[what] += more;
    this.#target.onProgress?.(this.#counts);
  }

  /** Waits only when there is enough to write: a promise a line would cost more than the line. */
  #line(text: string): Promise<void> | undefined {
    this.#unwritten.push(text, '\n');
    this.#unwrittenChars += text.length + 1;
    return this.#unwrittenChars < WRITE_CHARS ? undefined : this.#flush();
  }

  #flush(): Promise<void> {
    const text = this.#unwritten.join('');
    this.#unwritten = [];
    this.#unwrittenChars = 0;
    return this.#target.write(text);
  }
}
