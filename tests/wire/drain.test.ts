import { describe, expect, it } from 'vitest';
import { within } from '../support/deadline.ts';
import { expectError } from '../support/failures.ts';
import { wholeLog } from '../support/rest-client.ts';
import { withServer } from '../support/wire.ts';

const sqlite = { store: 'sqlite:{dir}/colloquy.db' };

describe('SIGTERM', () => {
  it('acks what was under way or refuses it with 503 draining, says bye, closes with 4001, exits 0', async () => {
    await withServer(sqlite, async (wire) => {
      const { id, people } = await wire.room('Ada', 'Bob');
      const [ada, bob] = people;
      if (!ada || !bob) return expect.unreachable();
      const sends = Array.from({ length: 300 }, async (_, index) => ({
        content: `message ${index}`,
        answer: await ada.ws
          .trySend(id, `message ${index}`, { key: `k${index}` })
          .catch(() => undefined),
      }));
      await ada.ws.waitFor('ack');
      const { exited } = wire.server;
      wire.server.signal('SIGTERM');
      for (const { ws } of [ada, bob]) {
        expect(await within(ws.closed, 'the close')).toMatchObject({ code: 4001 });
        expect(ws.framesOf('bye')).toMatchObject([{ reason: 'draining' }]);
        expect(ws.frames.at(-1)?.type).toBe('bye');
      }
      expect(await within(exited, 'the end of the process')).toEqual({ code: 0, signal: null });

      const results = await Promise.all(sends);
      const acked = results.filter(({ answer }) => answer?.type === 'ack');
      for (const { answer } of results) {
        if (answer && answer.type !== 'ack') expectError(answer, 503, 'draining');
      }
      expect(acked.length).toBeGreaterThan(0);

      await wire.server.restart();
      const log = await wholeLog(wire.rest(ada.token), id);
      const stored = log.filter(({ kind }) => kind === 'message');
      for (const { content, answer } of results) {
        const found = stored.filter((event) => event.content === content);
        if (answer?.type === 'ack') expect(found).toMatchObject([{ seq: answer.seq }]);
        if (answer?.type === 'error') expect(found).toEqual([]);
      }
      // Bob saw no event that is not there, and all that he saw is as he saw it.
      const seen = bob.ws.events(id).map(({ seq, event_id }) => ({ seq, event_id }));
      expect(log.slice((seen[0]?.seq ?? 1) - 1).slice(0, seen.length)).toMatchObject(seen);
    });
  });

  it('refuses new sends with 503 draining while a turn has its time, and what was refused is not stored', async () => {
    const flags = { ...sqlite, agent: 'scripted', 'drain-ms': 4_000 };
    await withServer(flags, async (wire) => {
      const { id, people } = await wire.room('Ada');
      const ada = people[0];
      if (!ada) return expect.unreachable();
      const { seq } = await ada.ws.send(id, 'tokens: 150; rate: 100');
      const turn = await ada.ws.waitFor('turn.started');
      await ada.ws.waitFor('turn.delta');
      const { exited } = wire.server;
      wire.server.signal('SIGTERM');
      const content = 'as soon as the signal is there';
      let answer = await ada.ws.trySend(id, content);
      let taken = 0;
      while (answer.type === 'ack') {
        taken += 1;
        answer = await ada.ws.trySend(id, content);
      }
      expectError(answer, 503, 'draining');
      expect(answer).toMatchObject({ retryable: true });
      // The turn gets its time: it ends by itself, and its message is stored.
      const end = await ada.ws.waitFor('turn.ended', (one) => one.turn_id === turn.turn_id);
      expect(end).toMatchObject({ state: 'completed', seq: seq + taken + 1 });
      expect(await within(ada.ws.closed, 'the close')).toMatchObject({ code: 4001 });
      expect(await within(exited, 'the end of the process')).toEqual({ code: 0, signal: null });
      await wire.server.restart();
      const log = await wholeLog(wire.rest(ada.token), id);
      expect(log[(end.seq ?? 0) - 1]).toMatchObject({ seq: end.seq, turn_id: turn.turn_id });
      expect(log.filter((event) => event.content === content)).toHaveLength(taken);
    });
  });

  it('does not wait longer than DRAIN_MS for a turn that does not end', async () => {
    const flags = { ...sqlite, agent: 'scripted', 'drain-ms': 300 };
    await withServer(flags, async (wire) => {
      const { id, people } = await wire.room('Ada');
      const ada = people[0];
      if (!ada) return expect.unreachable();
      await ada.ws.send(id, 'tokens: 9000; rate: 50');
      await ada.ws.waitFor('turn.delta');
      const stream = await wire.stream(id, '?after_seq=0', { token: ada.token });
      const start = performance.now();
      expect(await wire.server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
      expect(performance.now() - start).toBeLessThan(40_000);
      expect(await within(ada.ws.closed, 'the close')).toMatchObject({ code: 4001 });
      await within(stream.ended, 'the end of the stream');
      expect(stream.messages.at(-1)?.data).toMatchObject({ type: 'bye', reason: 'draining' });
    });
  });

  it('ends with 0 although a client does not read, and another never said hello', async () => {
    await withServer({}, async (wire) => {
      const { id, people } = await wire.room('Ada');
      await wire.connect({ isSilent: true });
      const deaf = await wire.connect();
      await deaf.joinLive(id);
      deaf.pause();
      for (let index = 0; index < 100; index += 1) {
        await Promise.all(
          Array.from({ length: 10 }, () => people[0]?.ws.send(id, 'x'.repeat(9_000))),
        );
      }
      expect(await wire.server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
      deaf.terminate();
    });
  });

  it('reports not ready while it drains', async () => {
    const flags = { agent: 'scripted', 'drain-ms': 2_000 };
    await withServer(flags, async (wire) => {
      const { id, people } = await wire.room('Ada');
      const ada = people[0];
      await ada?.ws.send(id, 'tokens: 9000; rate: 50');
      await ada?.ws.waitFor('turn.delta');
      const agent = wire.rest();
      expect((await agent.get('/health/ready')).status).toBe(200);
      wire.server.signal('SIGTERM');
      const answer = async () => (await agent.get('/health/ready').catch(() => undefined))?.status;
      let status = await answer();
      while (status === 200) status = await answer();
      // Behind a balancer: it says 503, or takes no new requests at all.
      expect([503, undefined]).toContain(status);
      await wire.server.kill('SIGTERM');
    });
  });
});
