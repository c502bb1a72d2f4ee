const PAIRS = 8;

/** Some pairs talk for a moment, as fast as they can: the code is compiled when the measuring begins. */
export async function warm(url: string, forMs: number): Promise<void> {
  const until = performance.now() + forMs;
  const rooms = Array.from({ length: PAIRS * 2 }, (_, at) => `warm-${Date.now()}-${at >> 1}`);
  await Promise.all(rooms.map((room) => talk(url, room, until)));
}

function talk(url: string, room: string, until: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/ws`);
    const say = (frame: object) => socket.send(JSON.stringify(frame));
    let id = 0;
    const send = () => {
      if (performance.now() > until) return socket.close();
      id += 1;
      say({ type: 'send', id: `s${id}`, conversation_id: room, content: `@nobody ${id}` });
    };
    socket.onopen = () => {
      say({ type: 'hello', name: 'warm' });
      say({ type: 'join', id: 'j', conversation_id: room, create: true });
      send();
    };
    socket.onmessage = ({ data }) => {
      const { type } = JSON.parse(String(data)) as { type: string };
      if (type === 'ack' || type === 'error') send();
    };
    socket.onclose = () => resolve();
    socket.onerror = () => resolve();
  });
}
