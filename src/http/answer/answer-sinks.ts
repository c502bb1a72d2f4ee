import type { AnswerRecord } from '../../protocol/answer-records.ts';
import type { OpenResponse } from '../rest/reply.ts';
import { EventStream } from '../sse-stream.ts';
import type { StreamFormat } from '../stream-format.ts';
import type { AnswerSink } from './answer-feed.ts';

type LastRecord = Parameters<AnswerSink['end']>[0];

/**
 * Records into a response, which begins when the question is stored: what comes before that waits, which is a handful.
 * Invariant Y1: records go out in the order they were told, and the last one ends the response.
 */
export class StreamSink implements AnswerSink {
  readonly #format: StreamFormat;
  readonly #onOver: () => void;
  #early: AnswerRecord[] = [];
  #last: LastRecord | undefined;
  #stream: EventStream | undefined;

  /** `onOver` is called once the response ended, or nobody reads it any more. */
  constructor(format: StreamFormat, onOver: () => void) {
    this.#format = format;
    this.#onOver = onOver;
  }

  /** The reader has taken what was written, and has room again. */
  onDrained: () => void = () => {};

  readonly tell = (record: AnswerRecord): void => {
    if (this.#stream === undefined) this.#early.push(record);
    else this.#stream.send(JSON.stringify(record), seqOf(record));
  };

  readonly end = (record: LastRecord): void => {
    this.#last = record;
    this.#stream?.finish(JSON.stringify(record), seqOf(record));
  };

  readonly flush = (): void => this.#stream?.flush();

  readonly bufferedBytes = (): number => this.#stream?.bufferedBytes() ?? 0;

  open(response: OpenResponse): void {
    const stream = new EventStream(response, this.#onOver, this.#format);
    stream.onDrained = () => this.onDrained();
    this.#stream = stream;
    for (const record of this.#early.splice(0)) this.tell(record);
    if (this.#last !== undefined) this.end(this.#last);
  }

  beat(): void {
    this.#stream?.beat();
  }
}

/** Only the end, for who waits for all of it. */
export class LastSink implements AnswerSink {
  readonly last: Promise<LastRecord>;
  readonly tell = (): void => {};
  readonly end: (record: LastRecord) => void;
  readonly flush = (): void => {};
  readonly bufferedBytes = (): number => 0;

  constructor(onOver: () => void) {
    let resolve: (record: LastRecord) => void = () => {};
    this.last = new Promise((settle) => {
      resolve = settle;
    });
    this.end = (record) => {
      resolve(record);
      onOver();
    };
  }
}

/** Where a reader who was cut off goes on in the events. */
function seqOf(record: AnswerRecord): number | undefined {
  return 'seq' in record ? record.seq : undefined;
}
