import { expect, it } from 'vitest';
import { eventually, within } from '../support/deadline.ts';
import { expectError } from '../support/failures.ts';
import { Random } from '../support/random.ts';
import { type TwoServers, withTwo } from '../support/two-servers.ts';
import type { Person } from '../support/wire.ts';

/** What a server says about a turn of the other may take a second; a busy machine has more. */
const SOON_MS = 6_000;
const ROUNDS = 15;

/** Ada's server runs the turn, and Bob is on the other one. */
interface Scene {
  readonly id: string;
  readonly ada: Person;
  readonly bob: Person;
  readonly path: string;
}

async function meet({ wires: [one, other] }: TwoServers): Promise<Scene> {
  const { id, people } = await one.room('Ada');
  const [ada] = people;
  if (ada === undefined) throw new Error('nobody');
  const bob = await other.person('Bob');
  await bob.ws.joinLive(id, { after_seq: 0 });
  return { id, ada, bob, path: `/v1/conversations/${id}/turns` };
}

/** Ada asks for something that waits for people. */
async function waiting({ id, ada }: Scene, directions = 'approve: pay') {
  await ada.ws.send(id, `@assistant say: So be it\n${directions}`);
  const call = await ada.ws.waitFor('turn.tool_call', (one) => one.needs_approval);
  return { conversation_id: id, turn_id: call.turn_id, call_id: call.call_id };
}

const decide = (about: object, more: object = {}) => ({
  type: 'decide',
  decision: 'approve',
  ...about,
  ...more,
});

it('a call is decided from the server that does not run its turn, once, by frame and over REST', async () => {
  await withTwo({ agent: 'scripted' }, async (servers) => {
    const scene = await meet(servers);
    const { ada, bob, path } = scene;
    const about = await waiting(scene, 'approve: pay; approve: ship');
    expect((await bob.rest.get(`${path}/${about.turn_id}`)).body).toMatchObject({
      state: 'awaiting_approval',
      tool_calls: [{ call_id: about.call_id, state: 'waiting' }],
    });
    expectError(await bob.ws.ask(decide(about, { call_id: 'x' })), 404, 'not_found');
    const startedAt = performance.now();
    const yes = decide(about, { key: 'k1', reason: 'fair' });
    expect(await bob.ws.ask(yes)).toMatchObject({ type: 'ok' });
    expect(performance.now() - startedAt).toBeLessThan(SOON_MS);
    for (const { ws } of [ada, bob]) {
      const decided = await ws.waitFor('event', ({ kind }) => kind === 'turn.decided');
      expect(decided).toMatchObject({ from: { name: 'Bob' }, decision: 'approve', reason: 'fair' });
    }
    expect(await bob.ws.ask(yes)).toMatchObject({ type: 'ok' });
    expectError(await bob.ws.ask(decide(about)), 409, 'already_exists');
    expectError(await ada.ws.ask(decide(about)), 409, 'already_exists');

    await ada.ws.waitFor('turn.tool_call', ({ call_id }) => call_id === 'call_2');
    const no = { call_id: 'call_2', decision: 'reject', reason: 'too dear' };
    const answered = await bob.rest.post(`${path}/${about.turn_id}/decisions`, no);
    expect(answered).toMatchObject({ status: 200, body: { turn_id: about.turn_id } });
    const end = await ada.ws.waitFor('turn.ended');
    expect(end).toMatchObject({ state: 'completed' });
    const content = 'So [pay: done] [ship: rejected by a person: too dear] be it';
    for (const { ws } of [ada, bob])
      expect(await ws.waitForSeq(scene.id, end.seq ?? 0)).toMatchObject({ content });
    expectError(await bob.ws.ask(decide(about)), 409, 'turn_over');
  });
});

it('of two who decide at once on two servers one is first, and the log has one decision', async () => {
  const random = new Random();
  await withTwo({ agent: 'scripted' }, async (servers) => {
    for (let round = 0; round < ROUNDS / 3; round += 1) {
      const scene = await meet(servers);
      const { id, ada, bob } = scene;
      const about = await waiting(scene);
      const his = bob.ws.ask(decide(about));
      // His takes some time to arrive; hers need not always be first.
      await new Promise((resolve) => setTimeout(resolve, random.whole(0, 500)));
      const hers = ada.ws.ask(decide(about, { decision: 'reject' }));
      const answers = await Promise.all([his, hers]);
      expect(answers.filter(({ type }) => type === 'ok')).toHaveLength(1);
      const end = await ada.ws.waitFor('turn.ended');
      await bob.ws.waitForSeq(id, end.seq ?? 0);
      const decisions = bob.ws.events(id).filter(({ kind }) => kind === 'turn.decided');
      expect(decisions).toHaveLength(1);
      const decision = answers[0]?.type === 'ok' ? 'approve' : 'reject';
      expect(decisions[0]).toMatchObject({ decision });
    }
  });
});

it('a turn is cancelled from the server that does not run it: while it speaks, waits for people, or for its turn', async () => {
  await withTwo({ agent: 'scripted' }, async (servers) => {
    const scene = await meet(servers);
    const { id, ada, bob, path } = scene;
    const cancel = (turnId: string) => ({
      type: 'cancel',
      conversation_id: id,
      turn_id: turnId,
    });
    await ada.ws.send(id, '@assistant tokens: 5000; rate: 50');
    const speaking = await ada.ws.waitFor('turn.started');
    await ada.ws.waitFor('turn.delta');
    await ada.ws.send(id, '@assistant say: next');
    const queued = await eventually('it waits', async () => {
      const { body } = await bob.rest.get(path);
      return body.items.find(({ state }: { state: string }) => state === 'queued');
    });
    expect(await bob.ws.ask(cancel(queued.turn_id))).toMatchObject({ type: 'ok' });
    expect(await bob.ws.ask(cancel(speaking.turn_id))).toMatchObject({ type: 'ok' });
    for (const turnId of [queued.turn_id, speaking.turn_id])
      for (const { ws } of [ada, bob]) {
        const end = await ws.waitFor('turn.ended', ({ turn_id }) => turn_id === turnId);
        expect(end).toMatchObject({ state: 'cancelled' });
      }
    const about = await waiting(scene);
    const told = await bob.rest.post(`${path}/${about.turn_id}/cancel`, {});
    expect(told.status).toBe(200);
    await ada.ws.waitFor('turn.ended', ({ turn_id }) => turn_id === about.turn_id);
    for (const { ws } of [ada, bob])
      expectError(await ws.ask(cancel(about.turn_id)), 409, 'turn_over');
    expectError(await bob.ws.ask(cancel('t_none')), 404, 'turn_not_found');
    expect(ada.ws.events(id).filter(({ from }) => from.kind === 'agent')).toEqual([]);
  });
});

it('who may not send may not steer from elsewhere, either', async () => {
  await withTwo({ agent: 'scripted' }, async (servers) => {
    const scene = await meet(servers);
    const { id, ada, bob } = scene;
    const about = await waiting(scene);
    const cancel = { type: 'cancel', conversation_id: id, turn_id: about.turn_id };
    const stranger = await servers.wires[1].person('Cy');
    expectError(await stranger.ws.ask(cancel), 403, 'not_a_participant');
    const path = `/v1/conversations/${id}/participants/${bob.id}`;
    expect((await ada.rest.put(path, { role: 'observer' })).status).toBe(200);
    expectError(await bob.ws.ask(cancel), 403, 'forbidden');
    expectError(await bob.ws.ask(decide(about)), 403, 'forbidden');
  });
});

it('a turn that is cancelled from elsewhere while it ends has one end, and a message only if it completed', async () => {
  const random = new Random();
  await withTwo({ agent: 'scripted' }, async (servers) => {
    const scene = await meet(servers);
    const { id, ada, bob, path } = scene;
    const seen = { cancelled: 0, completed: 0 };
    for (let round = 0; round < ROUNDS; round += 1) {
      const { seq } = await ada.ws.send(id, '@assistant tokens: 30; rate: 80');
      const turn = await ada.ws.waitFor('turn.started', ({ trigger_seq }) => trigger_seq === seq);
      await new Promise((resolve) => setTimeout(resolve, random.whole(0, 400)));
      const told = await bob.ws.ask({
        type: 'cancel',
        conversation_id: id,
        turn_id: turn.turn_id,
      });
      const end = await ada.ws.waitFor('turn.ended', ({ turn_id }) => turn_id === turn.turn_id);
      const { body } = await bob.rest.get(`${path}/${turn.turn_id}`);
      expect(body.state).toBe(end.state);
      if (told.type === 'ok') expect(end.state).toBe('cancelled');
      else expectError(told, 409, 'turn_over');
      if (end.state === 'cancelled') seen.cancelled += 1;
      if (end.state === 'completed') seen.completed += 1;
    }
    expect(seen.cancelled + seen.completed).toBe(ROUNDS);
    expect(ada.ws.framesOf('turn.ended')).toHaveLength(ROUNDS);
    const said = ada.ws.events(id).filter(({ from }) => from.kind === 'agent');
    expect(said).toHaveLength(seen.completed);
  });
});

it('when nobody runs it, that is said in time, nothing is done, and the server that takes it does as it is told', async () => {
  await withTwo({ agent: 'scripted', 'turn-lease-ms': 12_000 }, async (servers) => {
    const scene = await meet(servers);
    const { id, bob, path } = scene;
    const about = await waiting(scene);
    await servers.servers[0].kill('SIGKILL');
    const refused = await within(bob.ws.ask(decide(about)), 'the decision is refused', 15_000);
    expect(refused).toMatchObject({ type: 'error', code: 503, reason: 'agent_unavailable' });
    expect(bob.ws.events(id).filter(({ kind }) => kind === 'turn.decided')).toEqual([]);
    await bob.ws.waitFor('turn.started', undefined, { withinMs: 40_000 });
    expect((await bob.rest.get(`${path}/${about.turn_id}`)).body.state).toBe('awaiting_approval');
    expect(await bob.ws.ask(decide(about))).toMatchObject({ type: 'ok' });
    expect(await bob.ws.waitFor('turn.ended')).toMatchObject({ state: 'completed' });
  });
});
