import { SERVER_FRAMES } from '../../src/protocol/server-frames.ts';
import { within } from './deadline.ts';

/** One message of a `text/event-stream`. */
export interface StreamMessage {
  readonly id: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data and say themselves what is there.
  readonly data: any;
}

export interface StreamOptions {
  readonly token?: string;
  readonly lastEventId?: string;
}

/** What breaks a promise: data of no known frame, an event whose id is not its seq, a gap. */
function flawOf(message: StreamMessage, lastSeq: number | undefined): string | undefined {
  const { id, data } = message;
  const known = Object.entries(SERVER_FRAMES).find(([type]) => type === data?.type)?.[1];
  if (!known) return `data of no frame: ${JSON.stringify(data)}`;
  const parsed = known.safeParse(data);
  if (!parsed.success) return `not a ${data.type}: ${parsed.error.message}`;
  if (data.type !== 'event') return id === undefined ? undefined : `${data.type} with id ${id}`;
  if (id !== String(data.seq)) return `event ${data.seq} with id ${id}`;
  if (lastSeq !== undefined && data.seq !== lastSeq + 1) return `${data.seq} after ${lastSeq}`;
  return undefined;
}

/** A reader of a conversation's event stream that holds every message to the contract. */
export class EventStream {
  readonly messages: StreamMessage[] = [];
  readonly comments: string[] = [];
  readonly ended: Promise<void>;
  readonly #abort = new AbortController();
  readonly #watchers = new Set<() => void>();
  #flaw: string | undefined;
  #paused: Promise<void> | undefined;
  #goOn: () => void = () => {};
  #lastSeq: number | undefined;

  private constructor(body: ReadableStream<Uint8Array>, abort: AbortController) {
    this.#abort = abort;
    this.ended = this.#read(body)
      .catch(() => {})
      .finally(() => this.#wake());
  }

  static async open(url: string, { token, lastEventId }: StreamOptions = {}): Promise<EventStream> {
    const abort = new AbortController();
    const response = await fetch(url, {
      headers: {
        accept: 'text/event-stream',
        ...(token && { authorization: `Bearer ${token}` }),
        ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
      },
      signal: abort.signal,
    });
    const type = response.headers.get('content-type') ?? '';
    if (response.status !== 200 || !type.startsWith('text/event-stream') || !response.body) {
      throw new Error(`no stream: ${response.status} ${type} ${await response.text()}`);
    }
    return new EventStream(response.body, abort);
  }

  get seqs(): number[] {
    return this.messages.flatMap(({ data }) => (data.type === 'event' ? [data.seq] : []));
  }

  /** The first message, past or to come, whose data match. */
  waitFor(match: (data: StreamMessage['data']) => boolean): Promise<StreamMessage> {
    const found = new Promise<StreamMessage>((resolve, reject) => {
      const look = () => {
        if (this.#flaw) return reject(new Error(`the contract is broken: ${this.#flaw}`));
        const message = this.messages.find(({ data }) => match(data));
        if (message) resolve(message);
      };
      this.#watchers.add(look);
      look();
    });
    return within(found, `a message of the stream that matches ${match}`);
  }

  waitForSeq(seq: number): Promise<StreamMessage> {
    return this.waitFor((data) => data.type === 'event' && data.seq === seq);
  }

  /** Stops taking from the response: its buffers fill, then the server's. */
  pause(): void {
    this.#paused = new Promise((resolve) => {
      this.#goOn = resolve;
    });
  }

  resume(): void {
    this.#goOn();
  }

  close(): void {
    this.#goOn();
    this.#abort.abort();
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let rest = '';
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split(/\r?\n\r?\n/);
      rest = blocks.pop() ?? '';
      for (const block of blocks) this.#block(block);
      this.#wake();
      await this.#paused;
    }
  }

  #block(block: string): void {
    const fields: Record<string, string> = {};
    for (const line of block.split(/\r?\n/)) {
      const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
      if (name === '') this.comments.push(value);
      else fields[name] = name in fields ? `${fields[name]}\n${value}` : value;
    }
    if (fields['data'] === undefined) return;
    const message: StreamMessage = { id: fields['id'], data: JSON.parse(fields['data']) };
    this.messages.push(message);
    this.#flaw ??= flawOf(message, this.#lastSeq);
    if (fields['event'] !== message.data.type) this.#flaw ??= `event: ${fields['event']}`;
    if (message.data.type === 'event') this.#lastSeq = message.data.seq;
    if (message.data.type === 'reset') this.#lastSeq = message.data.first_seq - 1;
  }

  #wake(): void {
    for (const look of this.#watchers) look();
  }
}
