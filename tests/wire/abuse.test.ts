import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually, within } from '../support/deadline.ts';
import type { Person } from '../support/wire.ts';
import { useWire } from '../support/wire.ts';
import type { ClientFrame, WireClient } from '../support/wire-client.ts';

/** What one client may cost the others and the server, however much it asks for. */

const wire = useWire({ 'slow-consumer-ms': 1_000 });

let bystanders: { id: string; people: Person[] };
let greedy: WireClient;

beforeEach(async () => {
  bystanders = await wire.room('Ada', 'Bob');
  greedy = await wire.connect({ name: 'Mallory' });
});

/** Two people talk as before, on the connections they had. */
afterEach(async () => {
  const { id, people } = bystanders;
  const [ada, bob] = people;
  if (!ada || !bob) throw new Error('nobody');
  const { seq } = await ada.ws.send(id, 'still here');
  await bob.ws.waitForSeq(id, seq);
  expect(bob.ws.contents(id)).toEqual(['still here']);
});

async function residentBytes(): Promise<number> {
  const { text } = await wire.rest().get('/metrics');
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]);
}

/** What the server takes once it has worked through what was sent to it: ten looks alike. */
function settledBytes(): Promise<number> {
  const looks: number[] = [];
  return eventually('memory that does not change', async () => {
    looks.unshift(await residentBytes());
    const last = looks.slice(0, 10);
    return last.length === 10 && Math.max(...last) - Math.min(...last) < 1e6 && last[0];
  });
}

/** Writes frames, no faster than the system takes them, until the server takes no more. */
async function flood(client: WireClient, times: number, frame: (n: number) => ClientFrame) {
  let isClosed = false;
  void client.closed.then(() => {
    isClosed = true;
  });
  for (let sent = 0; sent < times && !isClosed; sent += 1) {
    client.tell(frame(sent));
    if (sent % 1_000 !== 0) continue;
    const end = performance.now() + 2_000;
    while (client.bufferedBytes > 1_000_000) {
      if (performance.now() > end) return;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

describe('answers that nobody reads', () => {
  it('do not pile up in the server', async () => {
    const before = await residentBytes();
    greedy.pause();
    await flood(greedy, 200_000, (n) => ({ type: 'invented', id: `${n}-`.padEnd(128, 'x') }));
    expect((await settledBytes()) - before).toBeLessThan(40e6);
    greedy.terminate();
  });

  it('do not pile up when they are replays, asked for again and again', async () => {
    const id = wire.id();
    await greedy.joinLive(id, { create: true });
    const content = 'x'.repeat(9_000);
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(Array.from({ length: 50 }, () => greedy.send(id, content)));
    }
    const before = await residentBytes();
    greedy.pause();
    const join = { type: 'join', conversation_id: id, after_seq: 0 };
    await flood(greedy, 800, (n) => ({ ...join, id: `j${n}` }));
    expect((await settledBytes()) - before).toBeLessThan(80e6);
    greedy.terminate();
  });
});

describe('a great many', () => {
  it('typing and read frames are no more than a nuisance', async () => {
    const { id, people } = bystanders;
    await greedy.joinLive(id);
    for (let index = 0; index < 5_000; index += 1) {
      greedy.tell({ type: 'typing', conversation_id: id, active: index % 2 === 0 });
      greedy.tell({ type: 'read', conversation_id: id, seq: 1 });
    }
    await greedy.settle();
    await people[0]?.ws.settle();
  });

  it('joins of conversations that are not there leave nothing behind', async () => {
    const answers = await Promise.all(
      Array.from({ length: 3_000 }, (_, index) =>
        greedy.ask({ type: 'join', conversation_id: `not-there-${index}` }),
      ),
    );
    expect(new Set(answers.map((answer) => answer.type))).toEqual(new Set(['error']));
    await eventually('only what is used is live', async () => {
      const { text } = await wire.rest().get('/metrics');
      const live = /^colloquy_\S*live\S* (\d+)$/m.exec(text)?.[1];
      return live !== undefined && Number(live) < 50;
    });
  });

  it('hellos on one connection make it nobody else', async () => {
    const [ada] = bystanders.people;
    const before = greedy.participantId;
    const id = wire.id();
    await greedy.joinLive(id, { create: true });
    greedy.tell({ type: 'hello', token: ada?.token });
    const sent = await greedy.trySend(id, 'who am I?').catch(() => undefined);
    if (sent?.type !== 'ack') return; // Refusing it, or closing, is as good.
    expect(await greedy.waitForSeq(id, sent.seq)).toMatchObject({ from: { id: before } });
  });

  it('event streams of one reader are closed when it goes', async () => {
    const { id, people } = bystanders;
    const token = people[0]?.token ?? '';
    const streams = await Promise.all(
      Array.from({ length: 100 }, () => wire.stream(id, '?after_seq=0', { token })),
    );
    for (const stream of streams) stream.close();
    await Promise.all(streams.map(({ ended }) => within(ended, 'the end of a stream')));
  });
});

describe('a frame in many pieces', () => {
  it('is one frame', async () => {
    const id = wire.id();
    await greedy.joinLive(id, { create: true });
    const frame = JSON.stringify({ type: 'send', id: 'q', conversation_id: id, content: 'žluť' });
    greedy.sendInPieces(Buffer.from(frame), 7);
    const { seq } = await greedy.waitFor('ack');
    expect(await greedy.waitForSeq(id, seq)).toMatchObject({ content: 'žluť' });
  });

  it('is held to the limit as a whole', async () => {
    greedy.sendInPieces(Buffer.alloc(200_000, 'x'), 10_000);
    const { code } = await within(greedy.closed, 'the close');
    expect([1006, 1009, 4413]).toContain(code);
  });
});
