import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Socket } from 'node:net';

const TEXT_FRAME = 0x81;
const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const PATIENCE_MS = 30_000;

/**
 * A WebSocket client that reads nothing of a frame but its type and its length: a client with a parser would be measured in
 * place of the server. The `live` frame ends what is waited for.
 */
export class CountingWire {
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #events = 0;
  #await: { type: Buffer; settle: (why?: Error) => void } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#hear(bytes));
    socket.on('close', () => this.#await?.settle(new Error('the connection was closed')));
  }

  /** Connected, and welcome as the participant that the token stands for. */
  static async open(port: number, token?: string): Promise<CountingWire> {
    const socket = await upgraded(port);
    const wire = new CountingWire(socket);
    const welcome = wire.next('welcome');
    wire.say({ type: 'hello', token });
    await welcome;
    return wire;
  }

  /** `event` frames so far. */
  get events(): number {
    return this.#events;
  }

  say(frame: object): void {
    const body = Buffer.from(JSON.stringify(frame));
    const mask = randomBytes(4);
    const head = Buffer.alloc(4);
    head[0] = TEXT_FRAME;
    head[1] = MASKED | LENGTH_16;
    head.writeUInt16BE(body.length, 2);
    for (const [at, byte] of body.entries()) body[at] = byte ^ (mask[at % 4] ?? 0);
    this.#socket.write(Buffer.concat([head, mask, body]));
  }

  /** Resolves when a frame of this type has come. */
  next(type: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no ${type}`)), PATIENCE_MS);
      const settle = (why?: Error) => {
        clearTimeout(late);
        this.#await = undefined;
        if (why === undefined) resolve();
        else reject(why);
      };
      this.#await = { type: startOf(type), settle };
    });
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #hear(bytes: Buffer): void {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    for (;;) {
      const length = frameLength(all, at);
      if (length === undefined || at + length > all.length) break;
      this.#take(all, at + length - payloadOf(all, at));
      at += length;
    }
    this.#rest = all.subarray(at);
  }

  #take(all: Buffer, start: number): void {
    if (begins(all, start, EVENT)) this.#events += 1;
    else if (this.#await !== undefined && begins(all, start, this.#await.type))
      this.#await.settle();
    else if (begins(all, start, ERROR)) this.#await?.settle(new Error('an error frame came'));
  }
}

const EVENT = startOf('event');
const ERROR = startOf('error');

function startOf(type: string): Buffer {
  return Buffer.from(`{"type":"${type}"`);
}

function begins(all: Buffer, start: number, with_: Buffer): boolean {
  return all.compare(with_, 0, with_.length, start, start + with_.length) === 0;
}

/** Bytes of the frame that begins there, its head among them; undefined when its head is not whole. */
function frameLength(all: Buffer, at: number): number | undefined {
  if (at + 2 > all.length) return undefined;
  const short = all[at + 1] ?? 0;
  if (short < LENGTH_16) return 2 + short;
  if (short === LENGTH_16) return at + 4 > all.length ? undefined : 4 + all.readUInt16BE(at + 2);
  return at + 10 > all.length ? undefined : 10 + Number(all.readBigUInt64BE(at + 2));
}

function payloadOf(all: Buffer, at: number): number {
  const short = all[at + 1] ?? 0;
  if (short < LENGTH_16) return short;
  return short === LENGTH_64 ? Number(all.readBigUInt64BE(at + 2)) : all.readUInt16BE(at + 2);
}

function upgraded(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const asked = request({
      port,
      host: '127.0.0.1',
      path: '/v1/ws',
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
      },
    });
    asked.once('upgrade', (_answer, socket, head: Buffer) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket as Socket);
    });
    asked.once('error', reject);
    asked.end();
  });
}
