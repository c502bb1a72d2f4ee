// Colyseus: a room each, a reply to the sender's request, the event by broadcast.
//
//   node perf/peers/colyseus.ts --on ws|uws --ack-bytes N --event-bytes N
//
// As its docs have it (https://docs.colyseus.io/room, /server/transport/uwebsockets): defaults, rooms without state,
// found by `filterBy`. `patchRate` stays at its default: without it a room's clock ticks three times as often.
import { getMessageBytes, Room, Server } from '@colyseus/core';
import { uWebSocketsTransport } from '@colyseus/uwebsockets-transport';
import { WebSocketTransport } from '@colyseus/ws-transport';
import { framesOf, freePort, type Said, say, underneath } from './frames.ts';

const [ROOM_DATA, ROOM_RESPONSE] = [13, 22];
const { ackOf, eventOf } = framesOf({
  ack: (ack) => getMessageBytes[ROOM_RESPONSE](70_000, 0, ack).length,
  event: (event) => getMessageBytes.raw(ROOM_DATA, 'event', event).length,
});

class BenchRoom extends Room {
  onCreate() {
    this.onMessage('send', (_client, said: Said) => {
      this.broadcast('event', eventOf(said));
      return ackOf(said);
    });
  }
}

const transport = underneath === 'uws' ? new uWebSocketsTransport() : new WebSocketTransport();
const server = new Server({ transport, greet: false });
server.define('bench', BenchRoom).filterBy(['room']);
const port = await freePort();
await server.listen(port, '127.0.0.1');
say(port);
