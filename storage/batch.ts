import type { Chunk, Document } from '../src/domain/document.ts';
import type { LogEvent } from '../src/domain/event.ts';
import type { ParticipantId } from '../src/domain/ids.ts';
import type { Append, EventPage, TakenKey } from './store.ts';

/** Throws unless the events are numbered `firstSeq`, `firstSeq + 1`, …: a hole in a batch would be one in the log. */
export function assertNumbered(events: readonly LogEvent[], firstSeq: number): void {
  let seq = firstSeq;
  for (const event of events) {
    if (event.seq !== seq) throw new RangeError(`event ${event.seq} in the place of ${seq}`);
    seq += 1;
  }
}

/** Throws unless the batch is numbered on its head and trims no further than it. */
export function assertAppend({ expectedHead, events, effects }: Append): void {
  assertNumbered(events, expectedHead + 1);
  for (const effect of effects) {
    if (effect.kind === 'trimmed' && effect.firstSeq > expectedHead + events.length + 1)
      throw new RangeError(`trimmed to ${effect.firstSeq}, beyond the head`);
  }
}

/** Throws unless the chunks are numbered 0, 1, … and as many as the document says. */
export function assertChunks({ id, chunkCount }: Document, chunks: readonly Chunk[]): void {
  if (chunks.length !== chunkCount)
    throw new RangeError(`${chunks.length} chunks for ${id}, which has ${chunkCount}`);
  for (const [at, { index }] of chunks.entries()) {
    if (index !== at) throw new RangeError(`chunk ${index} in the place of ${at}`);
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
