// Opens connections, makes or joins conversations on them, and holds them until its stdin ends.
//
//   node perf/bench/idle/crowd.ts PORT CONNECTIONS CONVERSATIONS hold|leave
//
// CONVERSATIONS are spread over the connections, in order: with half as many as there are connections, two
// people are in each. `hold` stays in them; `leave` says one message in each and leaves.

import WebSocket from 'ws';

/** Connections that come in at once. */
const TOGETHER = 256;

const [port, connections = 0, conversations = 0] = process.argv.slice(2, 5).map(Number);
const stays = process.argv[5] === 'hold';

let next = 0;
const sockets: WebSocket[] = [];
const each = Math.max(Math.ceil(conversations / connections), 1);

async function comeIn(): Promise<void> {
  while (next < connections) {
    const at = next;
    next += 1;
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/ws`, { perMessageDeflate: false });
    sockets.push(socket);
    const expect = listen(socket);
    await expect('open');
    socket.send('{"type":"hello"}');
    await expect('welcome');
    if (conversations > 0) await visit(socket, at, expect);
  }
}

async function visit(socket: WebSocket, at: number, expect: Expect): Promise<void> {
  for (let nth = 0; nth < each; nth += 1) {
    const id = `idle-${(at * each + nth) % conversations}`;
    socket.send(JSON.stringify({ type: 'join', id: 'j', conversation_id: id, create: true }));
    await expect('live');
    if (stays) continue;
    socket.send(JSON.stringify({ type: 'send', id: 's', conversation_id: id, content: 'Hello' }));
    await expect('ack');
    socket.send(JSON.stringify({ type: 'leave', id: 'l', conversation_id: id }));
    await expect('left');
  }
}

type Expect = (type: string) => Promise<void>;

/** Waits for a frame of a type; one at a time. */
function listen(socket: WebSocket): Expect {
  let awaited = '';
  let come = () => {};
  const hear = (type: string) => {
    if (type === awaited) come();
  };
  socket.on('open', () => hear('open'));
  socket.on('message', (data) => {
    const type = /^\{"type":"([a-z.]+)"/.exec(String(data))?.[1] ?? '';
    if (type === 'error') throw new Error(String(data));
    hear(type);
  });
  socket.on('close', (code, reason) => {
    throw new Error(`closed with ${code} ${reason}`);
  });
  socket.on('error', (error) => {
    throw error;
  });
  return (type) =>
    new Promise((resolve) => {
      awaited = type;
      come = resolve;
    });
}

await Promise.all(Array.from({ length: TOGETHER }, comeIn));
process.stdout.write('there\n');
process.stdin.on('end', () => process.exit(0)).resume();
