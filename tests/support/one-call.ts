import { ANSWER_RECORDS, type AnswerRecord } from '../../src/protocol/answer-records.ts';
import { within } from './deadline.ts';

export interface CallOptions {
  readonly token?: string | undefined;
  readonly key?: string;
  readonly accept?: string;
}

/** One call that streams, read as it comes; every record is held to the contract. */
export class OneCall {
  readonly records: AnswerRecord[] = [];
  /** What was not a record: comments, and lines without anything. */
  idle = 0;
  /** The `id:` of each record that had one. */
  readonly ids: number[] = [];
  readonly contentType: string;
  readonly ended: Promise<void>;
  readonly #abort: AbortController;
  readonly #watchers = new Set<() => void>();
  #broken: unknown;

  static async open(url: string, body: object, options: CallOptions = {}): Promise<OneCall> {
    const { token, key, accept } = options;
    const abort = new AbortController();
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token && { authorization: `Bearer ${token}` }),
        ...(key && { 'idempotency-key': key }),
        ...(accept && { accept }),
      },
      body: JSON.stringify(body),
      signal: abort.signal,
    });
    if (response.status !== 200 || response.body === null) {
      throw new Error(`no stream: ${response.status} ${await response.text()}`);
    }
    const type = response.headers.get('content-type') ?? '';
    return new OneCall(response.body, abort, type);
  }

  private constructor(body: ReadableStream<Uint8Array>, abort: AbortController, type: string) {
    this.#abort = abort;
    this.contentType = type;
    const read = type.startsWith('text/event-stream') ? this.#events(body) : this.#lines(body);
    this.ended = read
      .catch((error: unknown) => {
        if (!abort.signal.aborted) this.#broken = error;
      })
      .finally(() => this.#wake());
  }

  of<T extends AnswerRecord['type']>(type: T): Extract<AnswerRecord, { type: T }>[] {
    return this.records.filter(
      (record): record is Extract<AnswerRecord, { type: T }> => record.type === type,
    );
  }

  /** The pieces of the last attempt, one after the other. */
  get text(): string {
    const chunks = this.of('message_chunk');
    const attempt = chunks.at(-1)?.attempt;
    const last = chunks.filter((chunk) => chunk.attempt === attempt);
    const indexes = last.map(({ index }) => index);
    if (indexes.some((index, at) => index !== at)) throw new Error(`indexes ${indexes}`);
    return last.map(({ content }) => content).join('');
  }

  /** The first record of this type, past or to come. */
  first<T extends AnswerRecord['type']>(type: T): Promise<Extract<AnswerRecord, { type: T }>> {
    const found = new Promise<Extract<AnswerRecord, { type: T }>>((resolve, reject) => {
      const look = () => {
        const [record] = this.of(type);
        if (record) resolve(record);
        const last = this.records.at(-1);
        if (last?.type === 'error' && type !== 'error') reject(new Error(JSON.stringify(last)));
      };
      this.#watchers.add(look);
      look();
    });
    return within(found, `a record ${type}`);
  }

  /** The last one, when the stream has ended. */
  async last(): Promise<AnswerRecord> {
    await within(this.ended, 'the end of the call');
    if (this.#broken !== undefined) throw this.#broken;
    const last = this.records.at(-1);
    if (last === undefined) throw new Error('no record came');
    return last;
  }

  leave(): void {
    this.#abort.abort();
  }

  async #events(body: ReadableStream<Uint8Array>): Promise<void> {
    for await (const block of split(body, '\n\n')) {
      const lines = block.split('\n').filter((line) => !line.startsWith(':'));
      const field = (name: string) =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = field('data');
      if (data === undefined) this.idle += 1;
      else this.#take(data, field('event'), field('id'));
    }
  }

  async #lines(body: ReadableStream<Uint8Array>): Promise<void> {
    for await (const line of split(body, '\n')) {
      if (line === '') this.idle += 1;
      else this.#take(line);
    }
  }

  #take(text: string, event?: string, id?: string): void {
    const raw = JSON.parse(text) as AnswerRecord;
    if (event !== undefined && event !== raw.type) throw new Error(`${event} is ${raw.type}`);
    const last = this.records.at(-1)?.type;
    if (last === 'complete_state' || last === 'error') throw new Error(`${raw.type} after ${last}`);
    this.records.push(ANSWER_RECORDS[raw.type].parse(raw) as AnswerRecord);
    if (id !== undefined) this.ids.push(Number(id));
    this.#wake();
  }

  #wake(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

async function* split(body: ReadableStream<Uint8Array>, border: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true });
    const parts = rest.split(border);
    rest = parts.pop() ?? '';
    yield* parts;
  }
}
