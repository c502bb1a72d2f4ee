/** Digits of the number in an id; ids of the flood and of those who behave begin with a letter of their own. */
const DIGITS = 9;
const MASKED = 0x80;
const TEXT = 0x81;
const PING = 9;
const PONG = 0x8a;
const CONTENT_BYTES = 128;
const ZERO = 48;

/** One text frame as a client sends it; a mask of zeros leaves the bytes as they are. */
export function clientFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const head =
    payload.length < 126
      ? Buffer.from([TEXT, MASKED | payload.length, 0, 0, 0, 0])
      : Buffer.from([TEXT, MASKED | 126, payload.length >> 8, payload.length & 255, 0, 0, 0, 0]);
  return Buffer.concat([head, payload]);
}

export const PONG_FRAME = Buffer.from([PONG, MASKED, 0, 0, 0, 0]);

/** Makes `send` frames to one conversation that differ in their number alone. */
export function sendFrames(conversation: string): (numbers: readonly number[]) => Buffer {
  const zeros = '0'.repeat(DIGITS);
  const frame = clientFrame(
    JSON.stringify({
      type: 'send',
      id: `m${zeros}`,
      conversation_id: conversation,
      content: 'x'.repeat(CONTENT_BYTES),
      key: `k${zeros}`,
    }),
  );
  const id = frame.indexOf(`m${zeros}`) + 1;
  const key = frame.indexOf(`k${zeros}`) + 1;
  return (numbers) => {
    const all = Buffer.allocUnsafe(frame.length * numbers.length);
    for (const [at, number] of numbers.entries()) {
      const start = at * frame.length;
      frame.copy(all, start);
      putDigits(all, start + id, number);
      putDigits(all, start + key, number);
    }
    return all;
  };
}

function putDigits(bytes: Buffer, start: number, number: number): void {
  let left = number;
  for (let at = start + DIGITS - 1; at >= start; at -= 1) {
    bytes[at] = ZERO + (left % 10);
    left = Math.floor(left / 10);
  }
}

export type Heard = (type: 'ack' | 'error' | 'event' | 'ping' | 'other', text: Buffer) => void;

/** Cuts what a server sends into frames, and says of what type each is. */
export function frameReader(heard: Heard): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 2) {
      const short = bytes[at + 1] ?? 0;
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (bytes.length - at < head) break;
      const length =
        short < 126 ? short : bytes.readUIntBE(at + (head === 4 ? 2 : 4), head === 4 ? 2 : 6);
      if (bytes.length - at < head + length) break;
      const text = bytes.subarray(at + head, at + head + length);
      heard(((bytes[at] ?? 0) & 15) === PING ? 'ping' : typeOf(text), text);
      at += head + length;
    }
    rest = bytes.subarray(at);
  };
}

/** By the two letters behind `{"type":"`. */
function typeOf(text: Buffer): 'ack' | 'error' | 'event' | 'other' {
  switch (text.toString('latin1', 9, 11)) {
    case 'ac':
      return 'ack';
    case 'er':
      return 'error';
    case 'ev':
      return 'event';
    default:
      return 'other';
  }
}

/** The number in the `id` of an ack or an error. */
export function numberIn(text: Buffer): number {
  const at = text.indexOf('"id":"m') + 7;
  return at < 7 ? Number.NaN : Number(text.toString('latin1', at, at + DIGITS));
}
