import { connect, type Socket } from 'node:net';
import { setImmediate as breath } from 'node:timers/promises';
import { type Colloquy, startColloquy } from '../harness/colloquy.ts';
import { clientFrame, frameReader, sendFrames } from './frames.ts';

const CONNECTIONS = 4;
const WARM = 30_000;
/** Frames written at once; and the bytes of them that may wait in a socket. */
const PORTION = 200;
const WAITING_BYTES = 1_000_000;

export interface Costs {
  /** Microseconds of the server's CPU for a send that is answered 429. */
  readonly refusal: number;
  /** The same for a `ping`, which is parsed and answered with as little. */
  readonly ping: number;
}

/** What a refusal costs, by a mailbox of one message that as many frames are sent to as the sockets take. */
export async function refusalCosts(frames: number): Promise<Costs> {
  const flags = ['--mailbox-capacity', '1'];
  const server = await startColloquy({ store: 'memory:', flags });
  try {
    const flood = new Flood();
    for (let nth = 0; nth < CONNECTIONS; nth += 1) await flood.comeIn(server.port);
    const cost = async (frameOf: (numbers: readonly number[]) => Buffer) => {
      await flood.send(WARM, frameOf);
      return perFrame(server, frames, () => flood.send(frames, frameOf));
    };
    const ping = clientFrame(JSON.stringify({ type: 'ping', id: 'p' }));
    const refusal = await cost(sendFrames(Flood.conversation));
    return {
      refusal,
      ping: await cost((numbers) => Buffer.concat(numbers.map(() => ping))),
    };
  } finally {
    await server.stop();
  }
}

async function perFrame(
  server: Colloquy,
  frames: number,
  send: () => Promise<void>,
): Promise<number> {
  const before = server.cpuSeconds();
  await send();
  return ((server.cpuSeconds() - before) / frames) * 1e6;
}

/** Connections that say as much as their sockets take, and count the answers. */
class Flood {
  static readonly conversation = 'refused';
  readonly #sockets: Socket[] = [];
  #next = 1;
  #answers = 0;

  async comeIn(port: number): Promise<void> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const joining = { type: 'join', id: 'j', conversation_id: Flood.conversation, create: true };
    let isUpgraded = false;
    let live = () => {};
    const isLive = new Promise<void>((resolve) => {
      live = resolve;
    });
    const read = frameReader((type, text) => {
      if (type === 'ack' || type === 'error' || text.includes('"type":"pong"')) this.#answers += 1;
      else if (text.includes('"type":"live"')) live();
    });
    socket.on('data', (chunk) => {
      if (isUpgraded) return read(chunk);
      isUpgraded = true;
      read(chunk.subarray(chunk.indexOf('\r\n\r\n') + 4));
      socket.write(clientFrame('{"type":"hello"}'));
      socket.write(clientFrame(JSON.stringify(joining)));
    });
    socket.write(
      'GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
    await isLive;
    this.#sockets.push(socket);
  }

  /** Resolves when all of them are answered. */
  async send(count: number, frames: (numbers: readonly number[]) => Buffer): Promise<void> {
    this.#answers = 0;
    let sent = 0;
    while (this.#answers < count) {
      for (const socket of this.#sockets) {
        const some = Math.min(PORTION, count - sent);
        if (some === 0 || socket.writableLength > WAITING_BYTES) continue;
        socket.write(frames(Array.from({ length: some }, () => this.#next++)));
        sent += some;
      }
      await breath();
    }
  }
}
