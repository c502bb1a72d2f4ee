/** One message of a `text/event-stream`. */
export interface StreamMessage {
  readonly id: string | undefined;
  readonly data: string;
}

/** Parts a `text/event-stream` into its messages, as the pieces come. Bound: one message, which the server bounds. */
export class StreamParser {
  #rest = '';

  add(piece: string): StreamMessage[] {
    const blocks = (this.#rest + piece).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    return blocks.map(messageOf).filter((message) => message !== undefined);
  }
}

/** Undefined for a comment, and for what only tells when to come back. */
function messageOf(block: string): StreamMessage | undefined {
  let id: string | undefined;
  const data: string[] = [];
  for (const line of block.split('\n')) {
    if (line.startsWith('id:')) id = line.slice(3).trim();
    if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
  }
  return data.length === 0 ? undefined : { id, data: data.join('\n') };
}
