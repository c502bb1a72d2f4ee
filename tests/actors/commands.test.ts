import { describe, expect, it } from 'vitest';
import { managerOf, memberOf } from '../../actors/access.ts';
import { amend, findMessage, join } from '../../actors/commands.ts';
import type { ConversationActor } from '../../actors/conversation-actor.ts';
import type { Result } from '../../src/domain/result.ts';
import {
  ada,
  bob,
  cy,
  deletion,
  joining,
  message,
  messagesOf,
  settled,
  World,
  wordOf,
} from '../support/test-actors.ts';

async function change(
  actor: ConversationActor,
  author: typeof ada,
  { seq: targetSeq, content, key = null }: { seq: number; content?: string; key?: string | null },
): Promise<string> {
  const outcome = await amend(actor, {
    author,
    targetSeq,
    key,
    ...(content === undefined ? {} : { content }),
  });
  return wordOf(outcome);
}

function reasonOf(result: Result<unknown, { reason: string }>): string {
  return result.ok ? 'ok' : result.failure.reason;
}

/** Ada owns it, Bob is a member; 3 is Bob's, 4 is Ada's. */
async function scene() {
  const world = new World();
  const actor = await world.room();
  await actor.post(joining(bob));
  await actor.post(message(bob, "Bob's"));
  await actor.post(message(ada, "Ada's"));
  return { world, actor };
}

describe('changing a message', () => {
  it('is for its sender and for owners', async () => {
    const { actor } = await scene();
    expect(await change(actor, bob, { seq: 3, content: 'x' })).toBe('ok 5');
    expect(await change(actor, ada, { seq: 3, content: 'y' })).toBe('ok 6');
    expect(await change(actor, bob, { seq: 4, content: 'z' })).toBe('forbidden');
    expect(await change(actor, bob, { seq: 4 })).toBe('forbidden');
    expect(await change(actor, cy, { seq: 3 })).toBe('not_a_participant');
    const message = await findMessage(actor, 3);
    expect(message).toMatchObject({ value: { body: { content: 'y' } } });
  });

  it('is only of messages that are there', async () => {
    const { actor } = await scene();
    expect(await change(actor, ada, { seq: 99, content: 'x' })).toBe('message_not_found');
    expect(await change(actor, ada, { seq: 1 })).toBe('message_not_found');
  });

  it('ends with its deletion', async () => {
    const { world, actor } = await scene();
    expect(await change(actor, ada, { seq: 4 })).toBe('ok 5');
    expect(await change(actor, ada, { seq: 4 })).toBe('deleted');
    expect(await change(actor, ada, { seq: 4, content: 'x' })).toBe('deleted');
    expect(await messagesOf(world, actor)).toEqual(["Bob's", undefined]);
  });

  it('gives a repeated key its old receipt, also when the deletion stands in its way', async () => {
    const { actor } = await scene();
    expect(await change(actor, ada, { seq: 4, content: 'x', key: 'k1' })).toBe('ok 5');
    expect(await change(actor, ada, { seq: 4, content: 'x', key: 'k1' })).toBe('again 5');
    expect(await change(actor, ada, { seq: 4, content: 'y', key: 'k1' })).toBe('key_reused');
    expect(await change(actor, ada, { seq: 4, key: 'k2' })).toBe('ok 6');
    expect(await change(actor, ada, { seq: 4, key: 'k2' })).toBe('again 6');
    expect(await change(actor, ada, { seq: 4, content: 'x', key: 'k1' })).toBe('again 5');
    expect(await change(actor, ada, { seq: 4, key: 'new' })).toBe('deleted');
  });

  it('answers key_reused to a deletion with the key of something else', async () => {
    const { actor } = await scene();
    await actor.post(message(ada, 'c', { key: 'k' }));
    await actor.post(deletion(ada, 4));
    expect(await change(actor, ada, { seq: 4, key: 'k' })).toBe('key_reused');
  });

  it('is refused when a deletion was stored between the look and the write', async () => {
    const { world, actor } = await scene();
    world.store.holdAnswers('readMessages');
    const late = change(actor, bob, { seq: 3, content: 'late' });
    await settled();
    await actor.post(deletion(ada, 3));
    world.store.letGo();
    expect(await late).toBe('deleted');
  });

  it('answers 503 when the message cannot be read', async () => {
    const { world, actor } = await scene();
    world.store.doom('readMessages', 'none');
    expect(await change(actor, ada, { seq: 4 })).toBe('storage_unavailable');
  });
});

describe('joining', () => {
  it('makes a member where the conversation is open, once', async () => {
    const { world, actor } = await scene();
    const [first, second] = await Promise.all([
      join(actor, { by: cy, who: cy }),
      join(actor, { by: cy, who: cy }),
    ]);
    expect([first, second].map(reasonOf)).toEqual(['ok', 'ok']);
    const log = await world.log(actor.id);
    expect(log.filter(({ kind }) => kind === 'participant.joined')).toHaveLength(3);
  });

  it('is by invitation where that is the rule, and does not say that there is anything', async () => {
    const world = new World();
    const actor = await world.room({ visibility: 'invite' });
    expect(reasonOf(await join(actor, { by: bob, who: bob }))).toBe('conversation_not_found');
    expect(reasonOf(await join(actor, { by: ada, who: bob, role: 'observer' }))).toBe('ok');
    expect(await join(actor, { by: bob, who: bob })).toMatchObject({ value: { role: 'observer' } });
    expect(reasonOf(await join(actor, { by: bob, who: cy }))).toBe('forbidden');
  });
});

describe('access', () => {
  it('hides a conversation by invitation from strangers, and tells them to join an open one', async () => {
    const world = new World();
    const open = await world.room();
    const hidden = await world.room({ visibility: 'invite' });
    expect([open, hidden].map((actor) => reasonOf(memberOf(actor, bob)))).toEqual([
      'not_a_participant',
      'conversation_not_found',
    ]);
    expect(reasonOf(managerOf(hidden, bob))).toBe('conversation_not_found');
  });

  it('lets owners manage, and no other members', async () => {
    const { actor } = await scene();
    expect([ada, bob, cy].map((who) => reasonOf(managerOf(actor, who)))).toEqual([
      'ok',
      'forbidden',
      'not_a_participant',
    ]);
  });
});
