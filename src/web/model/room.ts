/**
 * Owns: what a room shows beyond the handle's own fields: the window on its messages, how far others have read,
 * quoted messages, and what a screen reader is told.
 * Does not own: drawing, scrolling, the connection.
 */
import type {
  Client,
  Conversation,
  Draft,
  LogEvent,
  PageOptions,
  StoredMessage,
  TurnView,
} from '../../client/index.ts';
import { isOver } from '../../client/turn-view.ts';
import type { MessageView, Timeline } from './timeline.ts';
import { emptyTimeline, PAGE, viewOf, withEvent, withNewer, withOlder } from './timeline.ts';

export type Loading = 'older' | 'newer' | undefined;

export interface Announcement {
  readonly id: number;
  readonly text: string;
}

/** Lines kept for a screen reader that is still reading. */
const MAX_ANNOUNCEMENTS = 6;
const MAX_QUOTES = 200;

export class Room {
  readonly client: Client;
  readonly conversation: Conversation;
  timeline: Timeline | undefined;
  loading: Loading;
  /** The last page could not be read; the next try is a person's. */
  hasLoadFailed = false;
  title: string | undefined;
  announcements: readonly Announcement[] = [];
  /** How far the others have read, by participant id, as told since we came. */
  readonly reads = new Map<string, number>();
  readonly #quotes = new Map<number, MessageView | 'loading' | 'gone'>();
  /** The newest message when a turn ended, by turn id. */
  readonly #endings = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  readonly #offs: (() => void)[];
  #lastAnnouncement = 0;
  #generation = 0;

  constructor(client: Client, id: string) {
    this.client = client;
    this.conversation = client.join(id, { create: true });
    this.#offs = [
      this.conversation.on('change', () => this.#changed()),
      this.conversation.on('event', (event) => this.#event(event)),
      this.conversation.on('reset', ({ first_seq }) => {
        this.#show({ ...emptyTimeline(first_seq - 1), hasOlder: false });
        this.reads.clear();
        this.#quotes.clear();
      }),
      this.conversation.on('read', ({ participantId, seq }) => {
        this.reads.set(participantId, Math.max(seq, this.reads.get(participantId) ?? 0));
        this.#notify();
      }),
      this.conversation.on('turn', (turn) => {
        if (isOver(turn)) this.#endings.set(turn.turnId, this.timeline?.newestSeq ?? 0);
        for (const id of this.#endings.keys()) {
          if (!this.conversation.turns.has(id)) this.#endings.delete(id);
        }
      }),
      client.on('state', ({ kind }) => {
        if (kind === 'online') this.hasLoadFailed = false;
        this.#notify();
      }),
    ];
  }

  /** Calls `listener` after anything changed, as often as it does. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  leave(): void {
    for (const off of this.#offs) off();
    this.conversation.leave();
  }

  get me(): string | undefined {
    return this.client.participant?.id;
  }

  /** Turns that are worth showing: running, or ended without a message, until something else is said. */
  get shownTurns(): readonly TurnView[] {
    return [...this.conversation.turns.values()].filter((turn) => {
      if (turn.messageSeq !== undefined || turn.state === 'superseded') return false;
      return !isOver(turn) || this.#endings.get(turn.turnId) === this.timeline?.newestSeq;
    });
  }

  /** Names; we may type in another window, too, which is not news. */
  get othersTyping(): readonly string[] {
    return this.conversation.typing.filter((id) => id !== this.me).map((id) => this.nameOf(id));
  }

  nameOf(participantId: string): string {
    return this.conversation.participants.get(participantId)?.name ?? 'Somebody';
  }

  say(text: string, replyTo: number | undefined): void {
    const options = replyTo === undefined ? {} : { replyTo };
    this.conversation.send(text, options).catch(isShownAsDraft);
  }

  edit(message: MessageView, content: string): void {
    if (content === message.content) return;
    this.#giveUp(message.seq);
    this.conversation.edit(message.seq, content).catch(isShownAsDraft);
  }

  remove(seq: number): void {
    this.#giveUp(seq);
    this.conversation.delete(seq).catch(isShownAsDraft);
  }

  async cancel(turnId: string): Promise<void> {
    try {
      await this.conversation.cancel(turnId);
    } catch {
      // It is over, or the connection is: either is seen.
    }
  }

  async decide(turnId: string, callId: string, verdict: 'approve' | 'reject'): Promise<void> {
    try {
      await this.conversation.decide(turnId, { callId, verdict });
    } catch {
      // Somebody was faster, or it is over, or the connection is: each is seen.
    }
  }

  /** The newest edit or deletion of a message that is not stored yet. */
  draftOf(seq: number): Draft | undefined {
    return this.conversation.drafts.findLast(
      ({ change }) => change.kind !== 'send' && change.seq === seq,
    );
  }

  /** Names of those who have read up to this message of ours, and not to a later one. */
  readersAt(seq: number): readonly string[] {
    const later = this.timeline?.messages.find(
      (message) => message.seq > seq && message.from.id === this.me,
    );
    return [...this.reads]
      .filter(([id, read]) => id !== this.me && read >= seq && (!later || read < later.seq))
      .map(([id]) => this.nameOf(id));
  }

  loadOlder(): Promise<void> {
    const { timeline } = this;
    if (timeline === undefined || !timeline.hasOlder) return Promise.resolve();
    return this.#load('older', { beforeSeq: timeline.startSeq, limit: PAGE });
  }

  loadNewer(): Promise<void> {
    const { timeline } = this;
    const last = timeline?.messages.at(-1);
    if (timeline === undefined || !timeline.hasNewer || last === undefined)
      return Promise.resolve();
    return this.#load('newer', { afterSeq: last.seq, limit: PAGE });
  }

  /** Lets go of the window and shows the end again. */
  async showNewest(): Promise<void> {
    const { timeline, conversation } = this;
    if (timeline === undefined || !timeline.hasNewer) return;
    const { changes, newestSeq } = timeline;
    this.#show({ ...emptyTimeline(conversation.seq ?? newestSeq), changes, newestSeq });
    this.#notify();
    await this.loadOlder();
  }

  /** A message that another one answers: from the window, or read once; undefined while it is, or when it is gone. */
  quoted(seq: number): MessageView | undefined {
    const shown = this.timeline?.messages.find((message) => message.seq === seq);
    if (shown !== undefined) return shown;
    const quote = this.#quotes.get(seq);
    if (quote === undefined) void this.#readQuote(seq);
    return typeof quote === 'object' ? quote : undefined;
  }

  /** An earlier change that failed is not offered any more once there is a later one. */
  #giveUp(seq: number): void {
    const draft = this.draftOf(seq);
    if (draft?.state.kind === 'failed') this.conversation.discard(draft.key);
  }

  async #readQuote(seq: number): Promise<void> {
    if (this.#quotes.size >= MAX_QUOTES) this.#quotes.clear();
    this.#quotes.set(seq, 'loading');
    try {
      const [message] = await this.conversation.messages({ beforeSeq: seq + 1, limit: 1 });
      this.#quotes.set(seq, message?.seq === seq ? viewOf(message) : 'gone');
    } catch {
      this.#quotes.set(seq, 'gone');
    }
    this.#notify();
  }

  async #load(which: 'older' | 'newer', page: PageOptions): Promise<void> {
    if (this.loading !== undefined) return;
    this.loading = which;
    this.hasLoadFailed = false;
    this.#notify();
    const generation = this.#generation;
    try {
      const items = await this.conversation.messages(page);
      if (generation === this.#generation) this.#loaded(which, page, items);
    } catch {
      if (generation === this.#generation) this.hasLoadFailed = true;
    } finally {
      if (generation === this.#generation) this.loading = undefined;
      this.#notify();
    }
  }

  /** A page is taken only where it was asked for: the window may have moved meanwhile. */
  #loaded(which: 'older' | 'newer', page: PageOptions, items: readonly StoredMessage[]): void {
    const { timeline } = this;
    if (timeline === undefined) return;
    if (which === 'older' && timeline.startSeq === page.beforeSeq) {
      this.timeline = withOlder(timeline, items);
    } else if (which === 'newer' && timeline.messages.at(-1)?.seq === page.afterSeq) {
      this.timeline = withNewer(timeline, items);
    }
  }

  /** Shows another window: pages that were asked for the last one are not taken any more. */
  #show(timeline: Timeline): void {
    this.#generation += 1;
    this.loading = undefined;
    this.timeline = timeline;
  }

  #changed(): void {
    const { conversation } = this;
    if (this.timeline === undefined && conversation.seq !== undefined) {
      this.timeline = emptyTimeline(conversation.seq);
      void this.loadOlder();
      void this.#readTitle();
    }
    this.#notify();
  }

  async #readTitle(): Promise<void> {
    try {
      this.title = (await this.conversation.describe()).title ?? undefined;
      this.#notify();
    } catch {
      // It is shown by who is in it.
    }
  }

  #event(event: LogEvent): void {
    this.timeline = withEvent(this.timeline ?? emptyTimeline(event.seq - 1), event);
    if ('target_seq' in event) this.#quotes.delete(event.target_seq);
    if (event.kind === 'conversation.updated' && 'title' in event.changes) {
      const { title } = event.changes;
      this.title = typeof title === 'string' ? title : undefined;
    }
    if (this.conversation.state.kind === 'live') this.#tell(event);
  }

  #tell(event: LogEvent): void {
    if (event.from.id === this.me) return;
    if (event.kind === 'message' && event.content !== undefined) {
      this.#announce(`${event.from.name}: ${event.content}`);
    } else if (event.kind === 'participant.joined') {
      this.#announce(`${event.participant.name} has joined.`);
    }
  }

  #announce(text: string): void {
    this.#lastAnnouncement += 1;
    const line = { id: this.#lastAnnouncement, text };
    this.announcements = [...this.announcements, line].slice(-MAX_ANNOUNCEMENTS);
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** A draft says by itself that it failed. */
function isShownAsDraft(): void {}
