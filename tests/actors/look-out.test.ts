import { describe, expect, it } from 'vitest';
import { found, join, trim } from '../../actors/commands.ts';
import type { ConversationActor } from '../../actors/conversation-actor.ts';
import type { Effect } from '../../storage/store.ts';
import { ControlledStore } from '../support/controlled-store.ts';
import {
  ada,
  bob,
  foreign,
  joining,
  leaving,
  listen,
  message,
  settled,
  World,
  wordOf,
} from '../support/test-actors.ts';

/** Milliseconds after which a listener has what another server wrote. */
const LOOK_MS = 500;

function sharedStore(): ControlledStore {
  const store = new ControlledStore();
  store.isShared = true;
  return store;
}

/** Two servers on one store, with a conversation that is live in both, Ada listening on each. */
async function twoServers() {
  const store = sharedStore();
  const [one, other] = [new World({ store }), new World({ store })];
  const here = await one.room();
  const there = await other.actor(here.id);
  const readHere = listen(here, { outlet: one.outlet() });
  const readThere = listen(there, { outlet: other.outlet() });
  const pass = async (ms: number) => {
    await one.clock.pass(ms);
    await other.clock.pass(ms);
  };
  return { store, one, other, here, there, readHere, readThere, pass };
}

describe('listeners on a store that is shared', () => {
  it('get what another server wrote, without a write of their own', async () => {
    const { here, there, readHere, readThere, pass } = await twoServers();
    await there.post(message(ada, 'a'));
    await there.post(message(ada, 'b'));
    expect(readHere.outlet.contents).toEqual([]);
    await pass(LOOK_MS);
    expect(readHere.outlet.contents).toEqual(['a', 'b']);
    await here.post(message(ada, 'c'));
    await pass(LOOK_MS);
    for (const { outlet } of [readHere, readThere]) expect(outlet.seqs).toEqual([2, 3, 4]);
  });

  it('cost one question a look, however many conversations they listen to', async () => {
    const store = sharedStore();
    const world = new World({ store, limits: { maxLive: 1_000 } });
    const asked: number[] = [];
    const heads = store.inner.heads.bind(store.inner);
    store.inner.heads = (ids) => {
      asked.push(ids.length);
      return heads(ids);
    };
    const actors: ConversationActor[] = [];
    for (let at = 0; at < 300; at += 1) actors.push(await world.room());
    asked.length = 0;
    await world.clock.pass(LOOK_MS);
    expect(asked).toEqual([]);
    for (const actor of actors) listen(actor, { outlet: world.outlet() });
    await world.clock.pass(LOOK_MS);
    expect(asked).toEqual([256, 44]);
  });

  it('are not read anew for what their own server is writing', async () => {
    const { store, here, one } = await twoServers();
    const loads = store.countOf('load');
    store.holdAnswers('append');
    const outcome = here.post(message(ada, 'a'));
    await one.clock.pass(LOOK_MS);
    store.letGo();
    expect(wordOf(await outcome)).toBe('ok 2');
    await settled();
    expect(store.countOf('load')).toBe(loads);
  });

  it('are let go of when they were removed elsewhere', async () => {
    const { one, here, there, pass } = await twoServers();
    await there.post(joining(bob));
    await pass(LOOK_MS);
    const reader = listen(here, { outlet: one.outlet(), who: bob });
    await there.post(leaving(bob));
    await there.post(message(ada, 'secret'));
    await pass(LOOK_MS);
    expect(reader.dismissals).toMatchObject([{ reason: 'not_a_participant' }]);
    expect(reader.outlet.contents).toEqual([]);
    expect(here.members.has(bob.id)).toBe(false);
  });

  it('are let go of when the conversation was deleted elsewhere, or made again', async () => {
    for (const isMadeAgain of [false, true]) {
      const { one, other, here, readHere, pass } = await twoServers();
      await other.registry.remove(here.id);
      if (isMadeAgain) {
        const { title, visibility, agent, metadata } = here.conversation;
        const settings = { title, visibility, agent, metadata };
        await found(other.registry, { ...settings, by: bob, id: here.id, key: null }, 5);
      }
      await pass(LOOK_MS);
      expect(readHere.dismissals).toHaveLength(1);
      expect(here.state).toBe('passivated');
      expect((await one.registry.get(here.id)).ok).toBe(isMadeAgain);
    }
  });

  it('learn of a trimming elsewhere, and notice nothing when they are level', async () => {
    const { here, there, readHere, pass } = await twoServers();
    for (const text of ['a', 'b', 'c']) await there.post(message(ada, text));
    await pass(LOOK_MS);
    await trim(there, 4);
    await pass(LOOK_MS);
    expect(here.conversation.firstSeq).toBe(4);
    expect(readHere.dismissals).toEqual([]);
    expect(readHere.outlet.contents).toEqual(['a', 'b', 'c']);
  });

  it('are reset when they missed what was trimmed elsewhere', async () => {
    const { one, here, readHere, pass } = await twoServers();
    const effects: Effect[] = [{ kind: 'trimmed', firstSeq: 3 }];
    await foreign(one, here, { contents: ['a', 'b'], effects });
    await pass(LOOK_MS);
    expect(readHere.dismissals).toMatchObject([{ reason: 'trimmed' }]);
    expect(readHere.outlet.contents).toEqual([]);
  });

  it('go on when the store was away meanwhile', async () => {
    const { store, there, readHere, pass } = await twoServers();
    await there.post(message(ada, 'a'));
    store.doom('heads', 'none', 'none', 'throws', 'throws');
    await pass(2 * LOOK_MS);
    await pass(LOOK_MS);
    expect(readHere.outlet.contents).toEqual(['a']);
  });

  it('are asked about once at a time while the store takes its time', async () => {
    const { store, here, there, readHere, pass } = await twoServers();
    store.hold('heads');
    const before = store.countOf('heads');
    await pass(20 * LOOK_MS);
    expect(store.countOf('heads')).toBe(before + 2);
    await there.post(message(ada, 'a'));
    store.letGo();
    await pass(LOOK_MS);
    expect(readHere.outlet.contents).toEqual(['a']);
    expect(here.conversation.headSeq).toBe(2);
  });
});

describe('a conversation that is asked for on a store that is shared', () => {
  it('is known as it stood when it was asked for', async () => {
    const { one, other, here, there } = await twoServers();
    await there.post(message(ada, 'a'));
    expect((await one.actor(here.id)).conversation.headSeq).toBe(2);
    await Promise.all([join(there, { by: bob, who: bob }), there.post(message(ada, 'b'))]);
    const [first, second] = await Promise.all([one.actor(here.id), one.actor(here.id)]);
    expect(first).toBe(second);
    expect(first.members.has(bob.id)).toBe(true);
    expect(first.conversation.headSeq).toBe((await other.actor(here.id)).conversation.headSeq);
  });

  it('is not known by an answer from before it was asked for', async () => {
    const { store, one, here, there } = await twoServers();
    store.holdAnswers('heads');
    const early = one.actor(here.id);
    await settled();
    await there.post(message(ada, 'a'));
    const late = one.actor(here.id);
    store.release();
    expect((await early).conversation.headSeq).toBe(1);
    await settled();
    store.letGo();
    expect((await late).conversation.headSeq).toBe(2);
  });

  it('is not there when it was deleted elsewhere', async () => {
    const { one, other, here } = await twoServers();
    await other.registry.remove(here.id);
    const got = await one.registry.get(here.id);
    expect(got).toMatchObject({ ok: false, failure: { reason: 'conversation_not_found' } });
  });

  it('is used as it is known when the store does not answer', async () => {
    const { store, one, here } = await twoServers();
    store.down();
    expect((await one.actor(here.id)).conversation.headSeq).toBe(1);
  });

  it('waits for one question that is not answered, and not for all that were to be put', async () => {
    const store = sharedStore();
    const world = new World({ store, limits: { maxLive: 1_000 } });
    for (let at = 0; at < 600; at += 1) {
      listen(await world.room(), { outlet: world.outlet() });
    }
    const asked = await world.room();
    store.hold('heads');
    await world.clock.pass(LOOK_MS);
    const known = world.registry.get(asked.id);
    await settled();
    expect(store.held).toHaveLength(1);
    store.release('none');
    expect(await known).toMatchObject({ ok: true });
    expect(store.held).toHaveLength(0);
    // What is asked from now on is put.
    const again = world.registry.get(asked.id);
    await settled();
    expect(store.held).toHaveLength(1);
    store.letGo();
    expect(await again).toMatchObject({ ok: true });
  });

  it('costs nothing more where nobody else writes', async () => {
    const world = new World();
    const actor = await world.room();
    listen(actor, { outlet: world.outlet() });
    await world.actor(actor.id);
    await world.clock.pass(10 * LOOK_MS);
    expect(world.store.countOf('heads')).toBe(0);
  });
});
