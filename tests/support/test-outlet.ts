import type { Outlet, TopicMember } from '../../actors/outlet.ts';
import type { CloseReason } from '../../src/domain/failure.ts';

/** A frame of the server, as a reader got it. */
export interface Got {
  readonly type: string;
  readonly [field: string]: unknown;
}

/**
 * Topics as uWebSockets.js has them: what is published waits with each member until the turn of the event loop
 * is over, or the member is written to in another way, and then goes out before that.
 */
export class TestTopics {
  readonly #members = new Map<string, Set<TestOutlet>>();
  #isDue = false;
  readonly #pending = new Set<TestOutlet>();

  readonly publish = (topic: string, frame: string): void => this.#give(topic, frame, undefined);

  memberOf(outlet: TestOutlet): TopicMember {
    return {
      enter: (topic) => {
        const members = this.#members.get(topic) ?? new Set();
        this.#members.set(topic, members.add(outlet));
      },
      leave: (topic) => {
        if (this.#members.get(topic)?.delete(outlet) !== true) {
          throw new Error('left a topic that it was not in');
        }
      },
      publishToOthers: (topic, frame) => this.#give(topic, frame, outlet),
    };
  }

  drain(outlet: TestOutlet): void {
    this.#pending.delete(outlet);
  }

  #give(topic: string, frame: string, except: TestOutlet | undefined): void {
    for (const outlet of this.#members.get(topic) ?? []) {
      if (outlet === except) continue;
      outlet.published.push(frame);
      this.#pending.add(outlet);
    }
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      for (const outlet of [...this.#pending]) outlet.drainTopics();
    });
  }
}

/** A connection: its frames in the order in which the other side would read them. */
export class TestOutlet implements Outlet {
  readonly topics?: TopicMember;
  /** Published, and not yet on the wire. */
  readonly published: string[] = [];
  readonly got: Got[] = [];
  readonly closedWith: CloseReason[] = [];
  /** How often what was queued went out. */
  writes = 0;
  /** Called when a paused reader has read all. */
  onDrain: () => void = () => {};
  readonly #hub: TestTopics | undefined;
  #queue: string[] = [];
  #unread: string[] = [];
  #isPaused = false;

  constructor(hub?: TestTopics) {
    this.#hub = hub;
    if (hub !== undefined) this.topics = hub.memberOf(this);
  }

  readonly send = (frame: string): void => {
    if (this.#queue.push(frame) === 1) queueMicrotask(this.flush);
  };

  readonly flush = (): void => {
    if (this.#queue.length === 0) return;
    this.writes += 1;
    this.drainTopics();
    for (const frame of this.#queue) this.#write(frame);
    this.#queue = [];
  };

  readonly bufferedBytes = (): number => charsOf(this.#unread) + charsOf(this.#queue);

  readonly close = (reason: CloseReason): void => {
    this.flush();
    this.closedWith.push(reason);
  };

  drainTopics(): void {
    this.#hub?.drain(this);
    for (const frame of this.published.splice(0)) this.#write(frame);
  }

  /** Stops reading: what comes is buffered. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Reads what is buffered, and goes on reading. */
  resume(): void {
    this.#isPaused = false;
    this.read();
  }

  /** Reads what is buffered. */
  read(): void {
    const unread = this.#unread;
    this.#unread = [];
    for (const frame of unread) this.got.push(JSON.parse(frame) as Got);
    if (unread.length > 0) this.onDrain();
  }

  of(type: string): Got[] {
    return this.got.filter((frame) => frame.type === type);
  }

  get seqs(): number[] {
    return this.of('event').map(({ seq }) => seq as number);
  }

  get contents(): unknown[] {
    return this.of('event').map(({ content }) => content);
  }

  get types(): string[] {
    return this.got.map(({ type }) => type);
  }

  #write(frame: string): void {
    if (this.#isPaused) this.#unread.push(frame);
    else this.got.push(JSON.parse(frame) as Got);
  }
}

function charsOf(frames: readonly string[]): number {
  return frames.reduce((chars, frame) => chars + frame.length, 0);
}
