// What the peers with objects of their own send: the fields of Colloquy's frames that a server without a store has,
// and blanks until the frame is as long as Colloquy's.
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';

/** What the load client sends. */
export interface Said {
  readonly conversation_id: string;
  readonly content: string;
  readonly key: string;
}

const { values } = parseArgs({
  options: {
    on: { type: 'string', default: 'uws' },
    'ack-bytes': { type: 'string', default: '150' },
    'event-bytes': { type: 'string', default: '400' },
    'content-bytes': { type: 'string', default: '128' },
  },
});

/** As long as every key, without what makes the sender's frame as long as Colloquy's. */
const KEY = 'k0000000000';

/** Which WebSocket library is underneath: `ws` or `uws`. */
export const underneath = values.on;

/** Makes objects that are so long on the wire; `measure` says how long one is. */
export function framesOf(measure: {
  readonly ack: (ack: object) => number;
  readonly event: (event: object) => number;
}) {
  const said: Said = {
    conversation_id: 'bench-000000',
    content: 'x'.repeat(Number(values['content-bytes'])),
    key: KEY,
  };
  const blanks = (wanted: string, length: number) => ' '.repeat(Math.max(0, Number(wanted) - length));
  const inAck = blanks(values['ack-bytes'], measure.ack(ackOf(said, '')));
  const inEvent = blanks(values['event-bytes'], measure.event(eventOf(said, '')));
  return {
    ackOf: (said: Said) => ackOf(said, inAck),
    eventOf: (said: Said) => eventOf(said, inEvent),
  };
}

function ackOf({ key }: Said, pad: string) {
  return { key: key.slice(0, KEY.length), created_at: Date.now(), pad };
}

function eventOf({ conversation_id, content }: Said, pad: string) {
  return {
    conversation_id,
    kind: 'message',
    from: { id: 'guest', name: 'Guest', kind: 'human' },
    created_at: Date.now(),
    content,
    pad,
  };
}

export function say(port: number): void {
  console.log(`http://127.0.0.1:${port}`);
}

/** For servers that don't say which port they were given. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
