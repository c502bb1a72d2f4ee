import { expect, it } from 'vitest';
import { eventually } from '../support/deadline.ts';
import { Random } from '../support/random.ts';
import { withTwo } from '../support/two-servers.ts';
import { Load } from './load.ts';

/** Milliseconds for some hundred orders, also where other work has the machine. */
const WORK_MS = 120_000;

async function heldToItsWord(load: Load): Promise<void> {
  await load.settle();
  await load.retry();
  await load.settle();
  await load.audit();
  await load.auditOverRest();
  expect(load.ledger.violations).toEqual([]);
  expect(load.ledger.open).toEqual([]);
}

it('give one log to all who write and read through either of them', async () => {
  const random = new Random();
  await withTwo({}, async ({ wires }) => {
    const load = new Load(wires, random, 3);
    await load.meet(6, 4);
    let acks = 0;
    const writing = load.writeThrough(
      () => acks > 1_000,
      (answer) => {
        if (answer.type === 'ack') acks += 1;
      },
    );
    await eventually('some are stored', async () => acks > 200, WORK_MS);
    // Keys that were used through one are known to the other, also while both write.
    await load.retryAcked(20);
    await writing;
    await heldToItsWord(load);
  });
});

it('go on when one of them is killed, and take it back', async () => {
  const random = new Random();
  await withTwo({}, async ({ wires, servers }) => {
    const load = new Load(wires, random, 3);
    await load.meet(4, 4);
    let acks = 0;
    let isOver = false;
    const writing = load.writeThrough(
      () => isOver,
      (answer) => {
        if (answer.type === 'ack') acks += 1;
      },
    );
    for (let kill = 0; kill < 2; kill += 1) {
      const before = acks;
      await eventually('more are stored', async () => acks > before + 200, WORK_MS);
      await servers[kill]?.restart('SIGKILL');
    }
    const before = acks;
    await eventually('more are stored', async () => acks > before + 200, WORK_MS);
    isOver = true;
    await writing;
    await heldToItsWord(load);
  });
});

it('tell their own people of members, settings and deletions on the other', async () => {
  await withTwo({}, async ({ wires: [one, other] }) => {
    const { id, people } = await one.room('Ada');
    const ada = people[0];
    if (!ada) return expect.unreachable();
    const path = `/v1/conversations/${id}`;
    const bob = await other.person('Bob');
    await bob.ws.joinLive(id, { after_seq: 0 });
    await ada.ws.waitFor('event', (event) => event.kind === 'participant.joined' && event.seq > 1);
    // Asked of one what was just stored by the other.
    const { seq } = await bob.ws.send(id, 'hello');
    expect((await ada.rest.get(`${path}/messages/${seq}`)).body.content).toBe('hello');
    expect((await ada.rest.patch(path, { visibility: 'invite' })).status).toBe(200);
    const cy = await other.person('Cy');
    expect((await cy.rest.get(path)).status).toBe(404);
    await ada.ws.waitForSeq(id, seq + 1);
    await bob.ws.waitForSeq(id, seq + 1);
    expect((await ada.rest.delete(`${path}/participants/${bob.id}`)).status).toBe(204);
    const gone = await bob.ws.waitFor('error');
    expect(['conversation_not_found', 'not_a_participant']).toContain(gone.reason);
    expect((await bob.rest.get(path)).status).toBe(404);
    const answer = await bob.ws.trySend(id, 'still there?');
    expect(answer.type).toBe('error');
    // Ada is on the other server, too, when the conversation is deleted.
    const again = await other.connect({ token: ada.token });
    await again.joinLive(id);
    expect((await ada.rest.delete(path)).status).toBe(204);
    expect((await again.waitFor('error')).reason).toBe('conversation_not_found');
    expect((await other.rest(ada.token).get(path)).status).toBe(404);
  });
});

it('leave the turns of the other alone when they start, and take those of one that is gone', async () => {
  await withTwo(
    { agent: 'scripted', 'turn-lease-ms': 4_000 },
    async ({ wires: [one, other], servers }) => {
      const { id, people } = await one.room('Ada');
      const ada = people[0];
      if (!ada) return expect.unreachable();
      const { seq } = await ada.ws.send(id, 'tokens: 400; rate: 100');
      const turn = await ada.ws.waitFor('turn.started');
      const witness = await other.connect({ token: ada.token });
      await witness.joinLive(id, { after_seq: seq });
      await servers[1].restart('SIGKILL');
      const again = await other.connect({ token: ada.token });
      await again.joinLive(id, { after_seq: seq });
      const answer = await again.waitForSeq(id, seq + 1);
      expect(answer).toMatchObject({ kind: 'message', turn_id: turn.turn_id });
      expect(again.framesOf('turn.started')).toEqual([]);
      expect(await ada.ws.waitFor('turn.ended')).toMatchObject({ state: 'completed', attempt: 1 });

      const next = await ada.ws.send(id, 'tokens: 20; rate: 10');
      await ada.ws.waitFor('turn.started', ({ trigger_seq }) => trigger_seq === next.seq);
      await servers[0].kill('SIGKILL');
      const taken = await again.waitFor('turn.started');
      expect(taken).toMatchObject({ trigger_seq: next.seq, attempt: 2 });
      await again.waitForSeq(id, next.seq + 1);
      await again.waitFor('turn.ended', ({ turn_id }) => turn_id === taken.turn_id);
      expect(again.events(id).filter(({ kind }) => kind === 'message')).toHaveLength(3);
    },
  );
});
