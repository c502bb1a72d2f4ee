import { describe, expect, it } from 'vitest';
import { within } from '../support/deadline.ts';
import { expectError } from '../support/failures.ts';
import { useWire } from '../support/wire.ts';

const wire = useWire({ guests: 'false' });

describe('where guests are not let in', () => {
  it('a hello without a token is 401 unauthenticated, and closed with 4401', async () => {
    const client = await wire.connect({ isSilent: true });
    client.tell({ type: 'hello', id: 'h', name: 'Ada' });
    expectError(await client.waitFor('error'), 401, 'unauthenticated');
    expect(await within(client.closed, 'the close')).toMatchObject({ code: 4401 });
  });

  it('nobody gets a guest token, and nothing is read without one', async () => {
    const guest = await wire.rest().post('/v1/guests', { name: 'Ada' });
    expect([401, 403]).toContain(guest.status);
    expect((await wire.rest().get('/v1/conversations')).status).toBe(401);
  });

  it('health is for everyone', async () => {
    expect((await wire.rest().get('/health/ready')).status).toBe(200);
  });
});
