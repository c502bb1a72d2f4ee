import { describe, expect, it } from 'vitest';
import { expectError } from '../support/failures.ts';
import type { Person } from '../support/wire.ts';
import { useWire, withServer } from '../support/wire.ts';

const wire = useWire({ agent: 'scripted' });
const QUICK = 'tokens: 3; rate: 0';

/** People in a conversation whose agent was asked for like this. */
async function room(agent: Record<string, unknown> | undefined, ...names: string[]) {
  const id = wire.id();
  const people: Person[] = [];
  for (const name of names) people.push(await wire.person(name));
  const made = await people[0]?.rest.post('/v1/conversations', {
    conversation_id: id,
    ...(agent && { agent }),
  });
  expect(made?.status).toBe(201);
  for (const { ws } of people) await ws.joinLive(id, { after_seq: 0 });
  return { id, people };
}

/** The seqs whose messages were answered, once the last of them was. */
async function answered(person: Person | undefined, last: number): Promise<number[]> {
  const turn = await person?.ws.waitFor('turn.started', (one) => one.trigger_seq === last);
  await person?.ws.waitFor('turn.ended', (one) => one.turn_id === turn?.turn_id);
  return person?.ws.framesOf('turn.started').map((one) => one.trigger_seq) ?? [];
}

describe('an agent that speaks auto', () => {
  it('is the default, and answers every message while there is one human', async () => {
    const { id, people } = await room(undefined, 'Ada');
    const { body } = (await people[0]?.rest.get(`/v1/conversations/${id}`)) ?? {};
    expect(body.agent).toMatchObject({ id: 'assistant', speaks: 'auto', while_busy: 'enqueue' });
    const one = await people[0]?.ws.send(id, QUICK);
    const two = await people[0]?.ws.send(id, QUICK);
    expect(await answered(people[0], two?.seq ?? 0)).toEqual([one?.seq, two?.seq]);
  });

  it('answers among two only who mentions it or replies to it', async () => {
    const { id, people } = await room(undefined, 'Ada', 'Bob');
    const [ada, bob] = people;
    await ada?.ws.send(id, 'hello Bob');
    await bob?.ws.send(id, 'hello, how is your assistant?');
    await bob?.ws.send(id, 'mail me at someone@assistant.example');
    const mention = await ada?.ws.send(id, `@assistant ${QUICK}`);
    expect(await answered(bob, mention?.seq ?? 0)).toEqual([mention?.seq]);
    const end = await ada?.ws.waitFor('turn.ended');
    await ada?.ws.send(id, 'thanks');
    const reply = await bob?.ws.send(id, QUICK, { reply_to: end?.seq ?? 0 });
    expect(await answered(ada, reply?.seq ?? 0)).toEqual([mention?.seq, reply?.seq]);
  });

  it('is mentioned by its id or its name, in any case, as a word of its own', async () => {
    const { id, people } = await room(undefined, 'Ada', 'Bob');
    const ada = people[0];
    for (const no of ['@assistants', 'x@assistant', '@ assistant', 'assistant', '@assist ant']) {
      await ada?.ws.send(id, `${no} hello`);
    }
    const yes: number[] = [];
    for (const mention of ['@assistant', '@ASSISTANT,', '(@Assistant)', 'say it,\n@assistant!']) {
      yes.push((await ada?.ws.send(id, `${mention} ${QUICK}`))?.seq ?? 0);
    }
    expect(await answered(ada, yes.at(-1) ?? 0)).toEqual(yes);
  });

  it('falls silent when a second human comes, and answers all again when alone with one', async () => {
    const { id, people } = await room(undefined, 'Ada');
    const ada = people[0];
    const one = await ada?.ws.send(id, QUICK);
    expect(await answered(ada, one?.seq ?? 0)).toEqual([one?.seq]);
    const bob = await wire.person('Bob');
    await bob.ws.joinLive(id);
    await ada?.ws.send(id, 'hello Bob');
    await bob.rest.delete(`/v1/conversations/${id}/participants/${bob.id}`);
    await ada?.ws.waitFor('event', (event) => event.kind === 'participant.left');
    const last = await ada?.ws.send(id, QUICK);
    expect(await answered(ada, last?.seq ?? 0)).toEqual([one?.seq, last?.seq]);
  });

  it('never answers itself', async () => {
    const { id, people } = await room(undefined, 'Ada');
    const one = await people[0]?.ws.send(id, 'say: @assistant again');
    await answered(people[0], one?.seq ?? 0);
    const two = await people[0]?.ws.send(id, QUICK);
    expect(await answered(people[0], two?.seq ?? 0)).toEqual([one?.seq, two?.seq]);
  });
});

describe('an agent that speaks otherwise', () => {
  it('always answers every message, of two humans too', async () => {
    const { id, people } = await room({ speaks: 'always' }, 'Ada', 'Bob');
    const one = await people[0]?.ws.send(id, QUICK);
    const two = await people[1]?.ws.send(id, QUICK);
    expect(await answered(people[0], two?.seq ?? 0)).toEqual([one?.seq, two?.seq]);
  });

  it('on mention is silent to a single human who does not mention it', async () => {
    const { id, people } = await room({ speaks: 'mention' }, 'Ada');
    await people[0]?.ws.send(id, QUICK);
    const two = await people[0]?.ws.send(id, `@assistant ${QUICK}`);
    expect(await answered(people[0], two?.seq ?? 0)).toEqual([two?.seq]);
  });

  it('never does not speak when mentioned, until its owner lets it', async () => {
    const { id, people } = await room({ speaks: 'never' }, 'Ada');
    const ada = people[0];
    await ada?.ws.send(id, `@assistant ${QUICK}`);
    const patched = await ada?.rest.patch(`/v1/conversations/${id}`, {
      agent: { speaks: 'always' },
    });
    expect(patched?.status).toBe(200);
    const two = await ada?.ws.send(id, QUICK);
    expect(await answered(ada, two?.seq ?? 0)).toEqual([two?.seq]);
  });
});

describe('a message while the agent speaks', () => {
  it('is refused with 409 turn_in_progress where it rejects, and nothing is stored', async () => {
    const { id, people } = await room({ while_busy: 'reject' }, 'Ada');
    const ada = people[0];
    const one = await ada?.ws.send(id, 'tokens: 9000; rate: 100');
    const turn = await ada?.ws.waitFor('turn.started');
    expectError(await ada?.ws.trySend(id, 'hello?', { key: 'k' }), 409, 'turn_in_progress');
    await ada?.ws.ask({ type: 'cancel', conversation_id: id, turn_id: turn?.turn_id });
    await ada?.ws.waitFor('turn.ended');
    const again = await ada?.ws.send(id, QUICK, { key: 'k' });
    expect(again).toMatchObject({ duplicate: false, seq: (one?.seq ?? 0) + 1 });
  });

  it.each(['interrupt', 'rollback'])(
    'supersedes the turn where it says %s, and is answered; of the first is kept what was shown, or nothing',
    async (policy) => {
      const { id, people } = await room({ while_busy: policy }, 'Ada');
      const ada = people[0];
      await ada?.ws.send(id, 'tokens: 9000; rate: 100');
      const turn = await ada?.ws.waitFor('turn.started');
      await ada?.ws.waitFor('turn.delta');
      const two = await ada?.ws.send(id, QUICK);
      const end = await ada?.ws.waitFor('turn.ended', (one) => one.turn_id === turn?.turn_id);
      expect(end).toMatchObject({ state: 'superseded' });
      expect((await answered(ada, two?.seq ?? 0)).at(-1)).toBe(two?.seq);
      const kept = ada?.ws.events(id).filter((event) => 'turn_id' in event) ?? [];
      const shown = ada?.ws
        .framesOf('turn.delta')
        .flatMap((delta) => (delta.turn_id === turn?.turn_id ? [delta.text] : []));
      const part = { content: shown?.join(''), partial: true, turn_id: turn?.turn_id };
      expect(kept).toHaveLength(policy === 'interrupt' ? 2 : 1);
      if (policy === 'interrupt') expect(kept[0]).toMatchObject(part);
    },
  );

  it('takes the place of those that waited before it where it debounces', async () => {
    const { id, people } = await room({ while_busy: 'debounce' }, 'Ada');
    const ada = people[0];
    const one = await ada?.ws.send(id, 'tokens: 40; rate: 100');
    await ada?.ws.waitFor('turn.delta');
    await ada?.ws.send(id, QUICK);
    await ada?.ws.send(id, QUICK);
    const last = await ada?.ws.send(id, QUICK);
    expect(await answered(ada, last?.seq ?? 0)).toEqual([one?.seq, last?.seq]);
  });

  it('is stored and not answered when as many answers wait as may', async () => {
    await withServer({ agent: 'scripted', 'max-queued-turns': 2 }, async (small) => {
      const { id, people } = await small.room('Ada');
      const ada = people[0];
      const one = await ada?.ws.send(id, 'tokens: 60; rate: 100');
      await ada?.ws.waitFor('turn.delta');
      const two = await ada?.ws.send(id, QUICK);
      await ada?.ws.send(id, QUICK);
      await ada?.ws.waitFor('turn.ended', (end) => end.seq !== undefined);
      await answered(ada, two?.seq ?? 0);
      const last = await ada?.ws.send(id, QUICK);
      expect(await answered(ada, last?.seq ?? 0)).toEqual([one?.seq, two?.seq, last?.seq]);
    });
  });
});

it('knows a reply to what it said before a restart, over either transport', async () => {
  const store = 'sqlite:{dir}/colloquy.db';
  await withServer({ agent: 'scripted', store }, async (server) => {
    const id = server.id();
    const ada = await server.person('Ada');
    const bob = await server.person('Bob');
    await ada.ws.joinLive(id, { create: true });
    await bob.ws.joinLive(id);
    await ada.ws.send(id, `@assistant ${QUICK}`);
    const { seq: said = 0 } = await ada.ws.waitFor('turn.ended');

    await server.server.restart('SIGTERM');
    const again = await server.connect({ token: bob.token });
    await again.joinLive(id);
    const first = await again.send(id, QUICK, { reply_to: said });
    await again.waitFor('turn.started', (turn) => turn.trigger_seq === first.seq);

    await server.server.restart('SIGKILL');
    const last = await server.connect({ token: bob.token });
    await last.joinLive(id);
    const url = `/v1/conversations/${id}/messages`;
    const { body } = await bob.rest.post(url, { content: QUICK, reply_to: said });
    await last.waitFor('turn.started', (turn) => turn.trigger_seq === body.seq);
  });
});
