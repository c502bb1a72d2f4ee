import { expect, it } from 'vitest';
import { within } from '../support/deadline.ts';
import { useWire } from '../support/wire.ts';

const HEARTBEAT_MS = 1_000;
const wire = useWire({ 'heartbeat-ms': HEARTBEAT_MS });

it('closes with 4003 and a bye a connection that gives no sign of life, and no other', async () => {
  const { id, people } = await wire.room('Ada');
  const ada = people[0];
  if (!ada) return expect.unreachable();
  expect(ada.ws.welcome.heartbeat_ms).toBe(HEARTBEAT_MS);
  const dead = await wire.connect({ autoPong: false });
  await dead.joinLive(id);
  const quiet = await wire.connect();
  await quiet.joinLive(id);
  const talking = await wire.connect({ autoPong: false });
  const pings = setInterval(() => talking.tell({ type: 'ping' }), HEARTBEAT_MS / 4);
  try {
    const closed = await within(dead.closed, 'the close', 10 * HEARTBEAT_MS);
    expect(closed).toMatchObject({ code: 4003 });
    expect(dead.framesOf('bye')).toMatchObject([{ reason: 'heartbeat_timeout' }]);
    // One that answers pings, and one that only sends frames, are as alive as can be.
    await talking.settle();
    await quiet.settle();
  } finally {
    clearInterval(pings);
  }
  await ada.ws.waitFor(
    'presence',
    (frame) => frame.participant_id === dead.participantId && !frame.online,
  );
  const { seq } = await ada.ws.send(id, 'still here');
  await quiet.waitForSeq(id, seq);
});
