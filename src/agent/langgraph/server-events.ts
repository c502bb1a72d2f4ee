import { ProviderFault } from '../../provider/provider-fault.ts';

/** One event of a stream of them (HTML Living Standard, 9.2). */
export interface ServerEvent {
  /** Empty when the stream does not name it. */
  readonly name: string;
  readonly data: string;
}

/** Characters of one event: a model's are some hundred. */
const MAX_CHARS = 4_000_000;

/** Puts server-sent events together from pieces of their text, wherever it was cut. Lines end in LF or CRLF. */
export class ServerEvents {
  #rest = '';
  #name = '';
  #data: string | undefined;

  /** The events that are whole with this piece. Throws `ProviderFault` for one that is too long. */
  take(piece: string): readonly ServerEvent[] {
    const text = this.#rest + piece;
    const events: ServerEvent[] = [];
    let from = 0;
    for (;;) {
      const end = text.indexOf('\n', from);
      if (end === -1) break;
      const line = text.slice(from, text.charAt(end - 1) === '\r' ? Math.max(end - 1, from) : end);
      from = end + 1;
      if (line !== '') this.#line(line);
      else if (this.#data !== undefined || this.#name !== '') events.push(this.#whole());
    }
    this.#rest = text.slice(from);
    if (this.#rest.length + (this.#data?.length ?? 0) > MAX_CHARS)
      throw new ProviderFault('broken', `an event of more than ${MAX_CHARS} characters`);
    return events;
  }

  /** The stream has ended: some servers leave out the empty line behind the last event. */
  end(): readonly ServerEvent[] {
    return this.take('\n\n');
  }

  #line(line: string): void {
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + (line.charAt(colon + 1) === ' ' ? 2 : 1));
    if (field === 'event') this.#name = value;
    if (field === 'data') this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
  }

  #whole(): ServerEvent {
    const event = { name: this.#name, data: this.#data ?? '' };
    this.#name = '';
    this.#data = undefined;
    return event;
  }
}
