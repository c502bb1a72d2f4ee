// A bare relay on uWebSockets.js: no storage, no sequence, no JSON. The limit that a server on this transport has.
//
//   node perf/peers/uws-relay.ts --ack-bytes N --event-bytes N [--fan-out send|publish]
//
// It does what its own docs advise: `cork` is implied inside a handler, bytes go out as they are, a room of many is
// a topic. Frames are as many and as long as the server's under the same load: the sender's frame is answered by an
// ack-sized one, and everyone in its room, the sender too, gets an event-sized one that holds the sender's bytes.
import { parseArgs } from 'node:util';
import uWS from 'uWebSockets.js';

const { values } = parseArgs({
  options: {
    'ack-bytes': { type: 'string', default: '150' },
    'event-bytes': { type: 'string', default: '400' },
    'fan-out': { type: 'string', default: 'send' },
  },
});

/** `{"type":"send",`, which every frame of the load client begins with. */
const SEND_HEAD = 15;
const ack = frameOf('{"type":"ack",', Number(values['ack-bytes']));
const event = frameOf('{"type":"event",', Number(values['event-bytes']));
const isPublished = values['fan-out'] === 'publish';
const rooms = new Map<string, Set<uWS.WebSocket<{ room: string }>>>();

uWS
  .App()
  .ws<{ room: string }>('/v1/ws', {
    maxBackpressure: 0,
    upgrade: (res, req, context) => {
      res.upgrade(
        { room: req.getQuery('room') ?? '' },
        req.getHeader('sec-websocket-key'),
        req.getHeader('sec-websocket-protocol'),
        req.getHeader('sec-websocket-extensions'),
        context,
      );
    },
    open: (ws) => {
      const { room } = ws.getUserData();
      ws.subscribe(room);
      const there = rooms.get(room);
      if (there === undefined) rooms.set(room, new Set([ws]));
      else there.add(ws);
    },
    message: (ws, message) => {
      const said = new Uint8Array(message, SEND_HEAD);
      ack.bytes.set(said.subarray(0, ack.room), ack.head);
      event.bytes.set(said.subarray(0, event.room), event.head);
      const { room } = ws.getUserData();
      ws.send(ack.bytes);
      if (isPublished) {
        ws.publish(room, event.bytes);
        ws.send(event.bytes);
      } else {
        for (const other of rooms.get(room) ?? []) other.send(event.bytes);
      }
    },
    close: (ws) => {
      rooms.get(ws.getUserData().room)?.delete(ws);
    },
  })
  .listen('127.0.0.1', 0, (socket) => {
    if (socket === false) throw new Error('no port');
    console.log(`http://127.0.0.1:${uWS.us_socket_local_port(socket)}`);
  });

/** A frame of so many bytes, with `room` for the sender's bytes behind its head. */
function frameOf(head: string, length: number) {
  const bytes = new Uint8Array(length).fill(32);
  bytes.set(new TextEncoder().encode(head));
  return { bytes, head: head.length, room: length - head.length };
}
