import { describe, expect, it } from 'vitest';
import { amend, findMessage, isUnknownTarget, trim } from '../../actors/commands.ts';
import type { ConversationActor } from '../../actors/conversation-actor.ts';
import type { Effect } from '../../storage/store.ts';
import {
  ada,
  assistant,
  foreign,
  listen,
  message,
  settled,
  World,
  wordOf,
} from '../support/test-actors.ts';
import { TestAgent } from '../support/test-agent.ts';

/** A conversation with the messages 2 … 1 + count. */
async function room(world: World, count: number): Promise<ConversationActor> {
  const actor = await world.room();
  for (let at = 0; at < count; at += 1) await actor.post(message(ada, `m${at + 2}`));
  return actor;
}

const trimmedTo = (firstSeq: number): Effect[] => [{ kind: 'trimmed', firstSeq }];

describe('trimming a log', () => {
  it('moves its beginning once that is durable, and not before', async () => {
    const world = new World();
    const actor = await room(world, 4);
    world.store.hold('append');
    const outcome = trim(actor, 4);
    await settled();
    expect(actor.conversation.firstSeq).toBe(1);
    world.store.letGo();
    expect(wordOf(await outcome)).toBe('ok 5');
    expect(actor.conversation).toMatchObject({ firstSeq: 4, headSeq: 5 });
    expect((await world.log(actor.id)).map(({ seq }) => seq)).toEqual([4, 5]);
  });

  it('goes with what is said at the same time, in one write, and takes no seq', async () => {
    const world = new World();
    const actor = await room(world, 2);
    const outcomes = await Promise.all([
      actor.post(message(ada, 'a')),
      trim(actor, 3),
      actor.post(message(ada, 'b')),
    ]);
    expect(outcomes.map(wordOf)).toEqual(['ok 4', 'ok 5', 'ok 5']);
    expect(world.store.appends.at(-1)).toMatchObject({ effects: trimmedTo(3) });
    expect((await world.log(actor.id)).map(({ seq }) => seq)).toEqual([3, 4, 5]);
  });

  it('takes all there is at most, and gives nothing back', async () => {
    const world = new World();
    const actor = await room(world, 2);
    await trim(actor, 1_000);
    expect(actor.conversation).toMatchObject({ firstSeq: 4, headSeq: 3 });
    const writes = world.store.appends.length;
    expect(wordOf(await trim(actor, 2))).toBe('again 3');
    expect(world.store.appends.length).toBe(writes);
    expect(wordOf(await actor.post(message(ada, 'next')))).toBe('ok 4');
    expect(await world.log(actor.id)).toMatchObject([{ seq: 4 }]);
  });

  it('is told to be refused when the store does not answer, and changes nothing', async () => {
    const world = new World();
    const actor = await room(world, 2);
    world.store.doom('append', 'none');
    expect(wordOf(await trim(actor, 3))).toBe('storage_unavailable');
    await world.clock.pass(1_000);
    expect(actor.conversation.firstSeq).toBe(1);
  });
});

describe('readers of a log that is trimmed', () => {
  it('notice nothing when they are at its head', async () => {
    const world = new World();
    const actor = await room(world, 3);
    const { outlet, dismissals } = listen(actor, { outlet: world.outlet() });
    await trim(actor, 5);
    await actor.post(message(ada, 'next'));
    expect(dismissals).toEqual([]);
    expect(outlet.contents).toEqual(['next']);
  });

  it('are let go of with `trimmed` when they were reading what is gone', async () => {
    const world = new World();
    const actor = await room(world, 3);
    world.store.hold('readEvents');
    const behind = listen(actor, { outlet: world.outlet(), position: 0 });
    const ahead = listen(actor, { outlet: world.outlet(), position: 3 });
    await trim(actor, 4);
    world.store.letGo();
    await settled();
    expect(behind.dismissals).toMatchObject([{ reason: 'trimmed' }]);
    expect(behind.outlet.seqs).toEqual([]);
    expect(ahead.dismissals).toEqual([]);
    expect(ahead.outlet.seqs).toEqual([4]);
    const again = listen(actor, { outlet: world.outlet(), position: 3 });
    await settled();
    expect(again.outlet.seqs).toEqual([4]);
  });

  it('are let go of when they were congested there, as soon as they have room', async () => {
    const world = new World({ limits: { outboundBytes: 500 } });
    const actor = await room(world, 1);
    const slow = listen(actor, { outlet: world.outlet() });
    slow.outlet.pause();
    for (let at = 0; at < 20; at += 1) await actor.post(message(ada, 'x'.repeat(100)));
    expect(slow.subscription.state).toBe('congested');
    await trim(actor, 20);
    expect(slow.dismissals).toEqual([]);
    slow.outlet.resume();
    await settled();
    expect(slow.dismissals).toMatchObject([{ reason: 'trimmed' }]);
    const { seqs } = slow.outlet;
    expect(seqs).toEqual(seqs.map((_, at) => 3 + at));
    expect(seqs.length).toBeLessThan(10);
    expect(world.meters.congested).toBe(0);
  });

  it('are never given an event of after the hole before they know of it', async () => {
    const world = new World();
    const actor = await room(world, 5);
    // Another server trims, of which this one has not heard.
    await foreign(world, actor, { contents: [], effects: trimmedTo(5) });
    const { outlet, dismissals } = listen(actor, { outlet: world.outlet(), position: 0 });
    await settled();
    expect(dismissals).toMatchObject([{ reason: 'trimmed' }]);
    expect(outlet.seqs).toEqual([]);
    expect(actor.conversation.firstSeq).toBe(5);
  });

  it('wait while the beginning can not be read anew, and are told when it can', async () => {
    const world = new World();
    const actor = await room(world, 5);
    await foreign(world, actor, { contents: [], effects: trimmedTo(7) });
    world.store.doom('load', 'none', 'none');
    const { outlet, dismissals } = listen(actor, { outlet: world.outlet(), position: 2 });
    await settled();
    expect(dismissals).toEqual([]);
    await world.clock.pass(2_000);
    expect(dismissals).toMatchObject([{ reason: 'trimmed' }]);
    expect(outlet.seqs).toEqual([]);
  });
});

describe('what refers to a trimmed message', () => {
  it('is refused as `trimmed`: a reply, an edit, a deletion, a read', async () => {
    const world = new World();
    const actor = await room(world, 3);
    await trim(actor, 4);
    expect(wordOf(await actor.post(message(ada, 're', { replyTo: 3 })))).toBe('trimmed');
    expect(wordOf(await actor.post(message(ada, 're', { replyTo: 4 })))).toMatch('ok');
    const change = { author: ada, targetSeq: 3, key: 'e' };
    expect(wordOf(await amend(actor, { ...change, content: 'new' }))).toBe('trimmed');
    expect(wordOf(await amend(actor, change))).toBe('trimmed');
    expect(await findMessage(actor, 3)).toMatchObject({ failure: { reason: 'trimmed' } });
    expect(isUnknownTarget(actor, 3)).toBe(false);
  });

  it('is refused when the trimming came in just before it', async () => {
    const world = new World();
    const actor = await room(world, 3);
    const outcomes = await Promise.all([
      trim(actor, 4),
      actor.post(message(ada, 're', { replyTo: 3 })),
      amend(actor, { author: ada, targetSeq: 2, key: null, content: 'new' }),
    ]);
    expect(outcomes.map(wordOf)).toEqual(['ok 4', 'trimmed', 'trimmed']);
  });

  it('has its old seq when it is a retry, and a time that stays', async () => {
    const world = new World();
    const actor = await world.room();
    const madeAt = actor.conversation.createdAt;
    await actor.post(message(ada, 'a', { key: 'k' }));
    await actor.post(message(ada, 'b', { key: 'r', replyTo: 2 }));
    await amend(actor, { author: ada, targetSeq: 2, key: 'e', content: 'c' });
    await trim(actor, 5);
    const receipt = (seq: number) => ({ value: { seq, createdAt: madeAt, duplicate: true } });
    expect(await actor.post(message(ada, 'a', { key: 'k' }))).toMatchObject(receipt(2));
    expect(await actor.post(message(ada, 'b', { key: 'r', replyTo: 2 }))).toMatchObject(receipt(3));
    const change = { author: ada, targetSeq: 2, key: 'e', content: 'c' };
    expect(await amend(actor, change)).toMatchObject(receipt(4));
    await actor.post(message(ada, 'd'));
    expect(await actor.post(message(ada, 'a', { key: 'k' }))).toMatchObject(receipt(2));
  });

  it('ends as failed when it is a turn that had to answer it', async () => {
    const agent = new TestAgent();
    const world = new World({ agent });
    const actor = await world.room({ agent: assistant });
    await actor.post(message(ada, 'question'));
    await settled();
    await trim(actor, 3);
    await expect(agent.last.input.history(10)).rejects.toMatchObject({ reason: 'trimmed' });
    agent.last.say('answer').done();
    await settled();
    // What it had begun to say it may say.
    expect(await world.log(actor.id)).toMatchObject([{ seq: 3, author: { id: 'assistant' } }]);
  });
});
