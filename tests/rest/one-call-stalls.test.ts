import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config.ts';
import { eventually, within } from '../support/deadline.ts';
import { TestAgent } from '../support/test-agent.ts';
import { type Person, type Served, useServed } from './served.ts';

const start = useServed();

/** A call whose answer nobody reads until the test says so. */
function stalled(served: Served, { token }: Person): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const asking = request(`${served.url}/v1/conversations/c/stream`, { method: 'POST', headers });
    asking.on('response', resolve).on('error', reject);
    asking.end(JSON.stringify({ content: 'hello' }));
  });
}

describe('a reader of one call that stalls', () => {
  /** More than the sockets of this machine take without a reader. */
  const PIECE = 'x'.repeat(250_000);
  const PIECES = 64;

  async function flooded(settings: Partial<Config>) {
    const agent = new TestAgent();
    const served = await start(
      { outboundBytes: 65_536, maxAnswerChars: 10_000_000_000, ...settings },
      agent,
    );
    const ada = await served.person('ada');
    await served.room(ada, 'c');
    const response = await stalled(served, ada);
    await eventually('it is asked', async () => agent.asked.length === 1);
    for (let at = 0; at < PIECES; at += 1) {
      agent.last.say(PIECE);
      await served.clock.pass(20);
    }
    const { meters } = served.runtime.edge;
    await eventually('the reader is congested', async () => meters.congested === 1);
    return { agent, served, response, meters };
  }

  it('is not written to beyond its budget, and gets the whole answer when it reads again', async () => {
    const { agent, response, meters } = await flooded({});
    let text = '';
    response.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    await eventually('nobody is congested', async () => meters.congested === 0);
    agent.last.say('the end').done();
    await within(once(response, 'end'), 'the end');
    const records = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? ''));
    const pieces = records.filter(({ type }) => type === 'message_chunk');
    const whole = pieces.map(({ content }) => content).join('');
    expect(whole.length).toBe(PIECE.length * PIECES + 'the end'.length);
    expect(records.at(-1)).toMatchObject({ type: 'complete_state' });
    expect(records.at(-1).message === whole).toBe(true);
    // While it did not read, nothing was kept for it: the rest came in one piece.
    expect(pieces.length).toBeLessThan(PIECES);
  });

  it('is let go of when it stalls for too long, and the answer goes on', async () => {
    const { agent, served, response, meters } = await flooded({ slowConsumerMs: 5_000 });
    await served.clock.pass(8_000);
    expect(meters).toMatchObject({ congested: 0, connections: 0 });
    expect(agent.last.signal.aborted).toBe(false);
    let text = '';
    response.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    await within(once(response, 'end'), 'the end');
    expect(text).toMatch(/event: error\ndata: {[^\n]*"reason":"slow_consumer"[^\n]*}\n\n$/);
  });
});
