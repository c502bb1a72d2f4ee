import { afterEach, describe, expect, it } from 'vitest';
import { within } from '../support/deadline.ts';
import { EventStream } from '../support/event-stream.ts';
import { RestClient } from '../support/rest-client.ts';
import { ServerProcess } from '../support/server-process.ts';

let server: ServerProcess | undefined;
afterEach(async () => {
  await server?.dispose();
  server = undefined;
});

/** A server whose agent is in the middle of an answer that does not end by itself. */
async function busy(drainMs: number): Promise<ServerProcess> {
  server = new ServerProcess({ agent: 'scripted', 'drain-ms': drainMs, 'log-level': 'info' });
  await server.start();
  const { body } = await new RestClient(server.url).post('/v1/guests', { name: 'Ada' });
  const rest = new RestClient(server.url, body.token);
  await rest.post('/v1/conversations', { conversation_id: 'c' });
  const path = '/v1/conversations/c';
  const stream = await EventStream.open(`${server.url}${path}/events`, { token: body.token });
  await rest.post(`${path}/messages`, { content: 'stall: 1' });
  await stream.waitFor(({ type }) => type === 'turn.delta');
  stream.close();
  return server;
}

describe('the process', () => {
  it('says at start where the page is, which store, which agent, and what is insecure', async () => {
    server = new ServerProcess({ agent: 'none' });
    await server.start();
    for (const line of [
      `Colloquy is at ${server.url}/`,
      '  store     memory:',
      '  agent     none',
      '  insecure  guests come in without a token',
      '  insecure  nothing is kept when the server stops',
    ]) {
      expect(server.output).toContain(line);
    }
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('drains on %s, and ends with 0', async (signal) => {
    const running = await busy(50);
    expect(await running.kill(signal)).toEqual({ code: 0, signal: null });
    const states = [...running.output.matchAll(/"event":"process_(\w+)"/g)].map(
      ([, state]) => state,
    );
    expect(states).toEqual(['serving', 'draining', 'stopped']);
  });

  it('ends at once on a second signal', async () => {
    const running = await busy(600_000);
    running.signal('SIGTERM');
    await within(
      (async () => {
        while (!running.output.includes('process_draining')) await new Promise(setImmediate);
      })(),
      'it drains',
    );
    expect(await running.kill('SIGINT')).toEqual({ code: 130, signal: null });
  });
});
