// Socket.IO: a room each, an acknowledgement to the sender, the event to the whole room.
//
//   node perf/peers/socket-io.ts --on ws|uws --ack-bytes N --event-bytes N
//
// As its docs have it (https://socket.io/docs/v4/rooms, /docs/v4/performance-tuning): defaults; on `ws` with
// `bufferutil` beside it; on uWebSockets.js through `attachApp`, which publishes to a topic.
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import uWS from 'uWebSockets.js';
import { framesOf, type Said, say, underneath } from './frames.ts';

const { ackOf, eventOf } = framesOf({
  ack: (ack) => `43000000[${JSON.stringify(ack)}]`.length,
  event: (event) => `42["event",${JSON.stringify(event)}]`.length,
});

const io = new Server();
io.on('connection', (socket) => {
  const room = String(socket.handshake.query['room']);
  socket.join(room);
  socket.on('send', (said: Said, acknowledge: (ack: object) => void) => {
    io.to(room).emit('event', eventOf(said));
    acknowledge(ackOf(said));
  });
});

if (underneath === 'uws') {
  const app = uWS.App();
  io.attachApp(app);
  app.listen('127.0.0.1', 0, (socket) => {
    if (socket === false) throw new Error('no port');
    say(uWS.us_socket_local_port(socket));
  });
} else {
  const server = createServer();
  io.attach(server);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (typeof address === 'object' && address !== null) say(address.port);
  });
}
