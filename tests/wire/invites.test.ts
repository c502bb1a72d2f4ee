import { describe, expect, it } from 'vitest';
import { expectError } from '../support/failures.ts';
import { useWire } from '../support/wire.ts';

const wire = useWire();

describe('join with an invite', () => {
  it('comes in where nobody else does, and hears everything from then on', async () => {
    const ada = await wire.person('Ada');
    const bob = await wire.person('Bob');
    const id = 'invited-room';
    await ada.rest.post('/v1/conversations', { conversation_id: id, visibility: 'invite' });
    const { body } = await ada.rest.post(`/v1/conversations/${id}/invites`, { max_uses: 1 });
    const refused = await bob.ws.ask({ type: 'join', conversation_id: id });
    expectError(refused, 404, 'conversation_not_found');
    const joined = await bob.ws.joinLive(id, { invite: body.invite });
    expect(joined.role).toBe('member');
    await ada.ws.joinLive(id);
    const { seq } = await ada.ws.send(id, 'welcome');
    await bob.ws.waitForSeq(id, seq);
  });
});
