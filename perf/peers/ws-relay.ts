// The relay of uws-relay.ts on `ws`: no storage, no sequence, no JSON.
//
//   node perf/peers/ws-relay.ts --ack-bytes N --event-bytes N
//
// As its docs have it: a server of its own, no compression (the default), everyone written to in a loop, `bufferutil`
// beside it. Each message has buffers of its own, as what was sent may still wait to be written.
import { parseArgs } from 'node:util';
import { WebSocket, WebSocketServer } from 'ws';
import { say } from './frames.ts';

const { values } = parseArgs({
  options: {
    'ack-bytes': { type: 'string', default: '150' },
    'event-bytes': { type: 'string', default: '400' },
  },
});

/** `{"type":"send",`, which every frame of the load client begins with. */
const SEND_HEAD = 15;
const ackOf = framer('{"type":"ack",', Number(values['ack-bytes']));
const eventOf = framer('{"type":"event",', Number(values['event-bytes']));
const rooms = new Map<string, Set<WebSocket>>();
const TEXT = { binary: false };

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
server.on('listening', () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null) say(address.port);
});
server.on('connection', (socket, request) => {
  const room = new URL(request.url ?? '', 'http://localhost').searchParams.get('room') ?? '';
  const there = rooms.get(room) ?? new Set();
  rooms.set(room, there.add(socket));
  socket.on('message', (message: Buffer) => {
    const said = message.subarray(SEND_HEAD);
    socket.send(ackOf(said), TEXT);
    const event = eventOf(said);
    for (const other of there) {
      if (other.readyState === WebSocket.OPEN) other.send(event, TEXT);
    }
  });
  socket.on('error', console.error);
  socket.on('close', () => there.delete(socket));
});

/** Frames of so many bytes, with as much as fits of the sender's bytes behind a head. */
function framer(head: string, length: number): (said: Buffer) => Buffer {
  const empty = Buffer.alloc(length, 32);
  empty.write(head);
  const room = length - head.length;
  return (said) => {
    const frame = Buffer.from(empty);
    said.copy(frame, head.length, 0, room);
    return frame;
  };
}
