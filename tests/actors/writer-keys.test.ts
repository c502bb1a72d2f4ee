import { describe, expect, it } from 'vitest';
import { CachedStore } from '../../storage/cache/cached-store.ts';
import { ControlledStore } from '../support/controlled-store.ts';
import {
  ada,
  bob,
  deletion,
  foreign,
  joining,
  leaving,
  message,
  messagesOf,
  offer,
  said,
  settled,
  World,
} from '../support/test-actors.ts';

describe('the writer, given an idempotency key', () => {
  it('gives a repeated draft its old receipt, in the same batch, in a later one, and after a restart', async () => {
    const world = new World();
    const actor = await world.room();
    const same = () => message(ada, 'a', { key: 'k' });
    const drafts = [offer(actor, same()), offer(actor, same())];
    await settled();
    const later = offer(actor, same());
    await settled();
    const restarted = new World({ store: world.store });
    const revived = offer(await restarted.actor(actor.id), same());
    await settled();
    expect([...drafts, later, revived].map(said)).toEqual([
      'ok 2',
      'again 2',
      'again 2',
      'again 2',
    ]);
    expect(await messagesOf(world, actor)).toEqual(['a']);
  });

  it('answers key_reused when the body is another, in the same batch and later', async () => {
    const world = new World();
    const actor = await world.room();
    const drafts = [
      offer(actor, message(ada, 'a', { key: 'k' })),
      offer(actor, message(ada, 'b', { key: 'k' })),
    ];
    await settled();
    const others = [
      offer(actor, message(ada, 'c', { key: 'k' })),
      offer(actor, message(ada, 'a', { key: 'k', replyTo: 1 })),
      offer(actor, deletion(ada, 2, 'k')),
    ];
    await settled();
    expect([...drafts, ...others].map(said)).toEqual([
      'ok 2',
      'key_reused',
      'key_reused',
      'key_reused',
      'key_reused',
    ]);
  });

  it('numbers the rest of a batch anew when some of its keys are taken', async () => {
    const world = new World();
    const actor = await world.room();
    await actor.post(message(ada, 'a', { key: 'k1' }));
    await actor.post(message(ada, 'b', { key: 'k2' }));
    const drafts = [
      offer(actor, message(ada, 'c')),
      offer(actor, message(ada, 'b', { key: 'k2' })),
      offer(actor, message(ada, 'd')),
      offer(actor, message(ada, 'a', { key: 'k1' })),
      offer(actor, message(ada, 'a', { key: 'k1' })),
    ];
    await settled();
    expect(drafts.map(said)).toEqual(['ok 4', 'again 3', 'ok 5', 'again 2', 'again 2']);
    expect(await messagesOf(world, actor)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('knows a repeated message after its content was erased, and another one too', async () => {
    const world = new World();
    const actor = await world.room();
    await actor.post(message(ada, 'a', { key: 'k', replyTo: 1 }));
    await actor.post(deletion(ada, 2));
    const same = offer(actor, message(ada, 'a', { key: 'k', replyTo: 1 }));
    const other = offer(actor, message(ada, 'a', { key: 'k' }));
    await settled();
    expect([same, other].map(said)).toEqual(['again 2', 'key_reused']);
  });

  it('gives the old receipt also to one who may not say it any more', async () => {
    const world = new World();
    const actor = await world.room();
    await actor.post(joining(bob));
    await actor.post(message(bob, 'a', { key: 'k' }));
    await actor.post(leaving(bob));
    const drafts = [
      offer(actor, message(bob, 'a', { key: 'k' })),
      offer(actor, message(bob, 'b', { key: 'k' })),
      offer(actor, message(bob, 'a', { key: 'other' })),
    ];
    await settled();
    expect(drafts.map(said)).toEqual(['again 3', 'key_reused', 'not_a_participant']);
  });

  it('gives two deletions with one key one event and two receipts, however they meet', async () => {
    const world = new World();
    const actor = await world.room();
    await actor.post(message(ada, 'a'));
    world.store.hold('append');
    const first = offer(actor, deletion(ada, 2, 'k'));
    await settled();
    const second = offer(actor, deletion(ada, 2, 'k'));
    world.store.letGo();
    await settled();
    expect([first, second].map(said)).toEqual(['ok 3', 'again 3']);
  });

  it('answers 503, once, when the old event cannot be read', async () => {
    const world = new World();
    const actor = await world.room();
    await actor.post(message(ada, 'a', { key: 'k' }));
    world.store.doom('readEvents', 'none');
    const drafts = [offer(actor, message(ada, 'a', { key: 'k' })), offer(actor, message(ada, 'b'))];
    await settled();
    expect(drafts.map(said)).toEqual(['storage_unavailable', 'ok 3']);
  });

  it('compares a key that another writer stored with what is in the log, whatever the cache remembers', async () => {
    const store = new ControlledStore();
    const around = (inner: ControlledStore) =>
      new CachedStore(inner, { maxBytes: 1e6, maxConversations: 1 });
    const world = new World({ store, around });
    const elsewhere = await new World({ store }).room();
    const actor = await world.actor(elsewhere.id);
    await elsewhere.post(joining(bob));
    await elsewhere.post(message(bob, 'a', { key: 'k' }));
    const drafts = ['b', 'a'].map((text) => offer(actor, message(bob, text, { key: 'k' })));
    await settled();
    expect(drafts.map(said)).toEqual(['key_reused', 'again 3']);
  });

  it('asks to try again when what the key was stored with was trimmed, and that is not known here yet', async () => {
    const world = new World();
    const actor = await world.room();
    await actor.post(message(ada, 'a', { key: 'k' }));
    await foreign(world, actor, { contents: [], effects: [{ kind: 'trimmed', firstSeq: 3 }] });
    const early = offer(actor, message(ada, 'a', { key: 'k' }));
    await settled();
    expect(said(early)).toBe('head_conflict');
    await actor.lookAnew();
    const late = offer(actor, message(ada, 'a', { key: 'k' }));
    await settled();
    expect(said(late)).toBe('again 2');
  });
});
