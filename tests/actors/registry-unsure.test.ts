import { describe, expect, it } from 'vitest';
import { listen, settled, World } from '../support/test-actors.ts';

describe('the registry, asked to make or to erase a conversation', () => {
  it('does not say that nothing was stored when nobody knows', async () => {
    for (const [fate, reason] of [
      ['none', 'storage_unavailable'],
      ['lost', 'internal'],
      ['stored', 'internal'],
    ] as const) {
      const world = new World();
      world.store.doom('create', fate);
      await expect(world.room({}, 'new')).rejects.toThrow(reason);
      const actor = await new World({ store: world.store }).room({}, 'other');
      const { id } = actor;
      const { dismissals } = listen(await world.actor(id), { outlet: world.outlet() });
      world.store.doom('remove', fate);
      expect(await world.registry.remove(id)).toMatchObject({ failure: { reason } });
      await settled();
      const gone = [{ reason: 'conversation_not_found' }];
      expect(dismissals).toMatchObject(fate === 'stored' ? gone : []);
    }
  });
});
