/** How a stream of records is written into one response. */
export interface StreamFormat {
  readonly contentType: string;
  /** What it begins with. */
  readonly head: string;
  /** What readers skip: it keeps a stream alive, and moves on what the socket holds. */
  readonly idle: string;
  /** One record, which is an object as JSON without line breaks that begins with its `type`. */
  readonly record: (text: string, seq: number | undefined) => string;
}

/** Milliseconds after which a reader whose stream ended asks again. */
const RETRY_MS = 1_000;

const SSE = {
  contentType: 'text/event-stream; charset=utf-8',
  idle: ':\n\n',
  record: (text: string, seq: number | undefined) => {
    const type = /^\{"type":"([a-z._]+)"/.exec(text)?.[1] ?? 'message';
    const id = seq === undefined ? '' : `id: ${seq}\n`;
    return `${id}event: ${type}\ndata: ${text}\n\n`;
  },
} as const;

/** Server-sent events that a reader comes back to. */
export const EVENT_STREAM: StreamFormat = { ...SSE, head: `retry: ${RETRY_MS}\n\n` };

/** Server-sent events of one answer: nobody is to ask for it again by themselves. */
export const ANSWER_EVENTS: StreamFormat = { ...SSE, head: '' };

/** A record a line; readers skip empty ones. */
export const ANSWER_LINES: StreamFormat = {
  contentType: 'application/x-ndjson; charset=utf-8',
  head: '',
  idle: '\n',
  record: (text) => `${text}\n`,
};
