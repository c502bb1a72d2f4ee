import type { LogEvent } from '../src/domain/event.ts';
import type { ParticipantId } from '../src/domain/ids.ts';
import type { EventPage, TakenKey } from './store.ts';

/** Throws unless the events are numbered `firstSeq`, `firstSeq + 1`, …: a hole in a batch would be one in the log. */
export function assertNumbered(events: readonly LogEvent[], firstSeq: number): void {
  let seq = firstSeq;
  for (const event of events) {
    if (event.seq !== seq) throw new RangeError(`event ${event.seq} in the place of ${seq}`);
    seq += 1;
  }
}

/** One text for a sender's key; ids hold no blank, so no two pairs make the same text. */
export function keyText(sender: ParticipantId, key: string): string {
  return `${sender} ${key}`;
}

/**
 * The keys of a batch that are taken: in the store, as `storedSeq` knows, or by an earlier event of the same
 * batch. Undefined when none is, which is the usual answer.
 */
export function takenKeys(
  events: readonly LogEvent[],
  storedSeq: (sender: ParticipantId, key: string) => number | undefined,
): readonly TakenKey[] | undefined {
  let taken: TakenKey[] | undefined;
  let inBatch: Map<string, number> | undefined;
  for (let index = 0; index < events.length; index += 1) {
    const event = events[index];
    if (event === undefined || event.key === null) continue;
    let seq = storedSeq(event.author.id, event.key);
    if (events.length > 1) {
      inBatch ??= new Map();
      const text = keyText(event.author.id, event.key);
      seq ??= inBatch.get(text);
      if (seq === undefined) inBatch.set(text, event.seq);
    }
    if (seq !== undefined) {
      taken ??= [];
      taken.push({ index, seq });
    }
  }
  return taken;
}

/** Takes events until the page is full: `limit` of them, or `maxChars` of body once there is one. */
export class PageFill {
  readonly events: LogEvent[] = [];
  #chars = 0;
  readonly #limit: number;
  readonly #maxChars: number;

  constructor({ limit, maxChars }: Pick<EventPage, 'limit' | 'maxChars'>) {
    this.#limit = limit;
    this.#maxChars = maxChars ?? Number.POSITIVE_INFINITY;
  }

  get room(): number {
    return this.#limit - this.events.length;
  }

  /** False when the event does not fit any more; nothing after it may be offered then. */
  take(event: LogEvent): boolean {
    if (this.room <= 0) return false;
    if (this.events.length > 0 && this.#chars + event.body.length > this.#maxChars) return false;
    this.#chars += event.body.length;
    this.events.push(event);
    return true;
  }
}
