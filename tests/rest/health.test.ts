import { describe, expect, it } from 'vitest';
import { eventually } from '../support/deadline.ts';
import { useServed } from './served.ts';

const start = useServed();

describe('/health/stream', () => {
  it('says how the server is at once, and every 15 s, until it stops', async () => {
    const served = await start();
    const { meters } = served.runtime.edge;
    const response = await fetch(`${served.url}/health/stream`);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    let text = '';
    const read = (async () => {
      const decoder = new TextDecoder();
      for await (const bytes of response.body ?? []) text += decoder.decode(bytes);
    })();
    const told = () =>
      [...text.matchAll(/^event: health\ndata: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? ''));
    await eventually('the first', async () => told().length === 1);
    expect(told()[0]).toMatchObject({ type: 'health', status: 'ok', connections: 1 });
    await served.clock.pass(15_000);
    await eventually('the second', async () => told().length === 2);
    expect(meters.connections).toBe(1);
    await served.close();
    await read;
    expect(text).toMatch(/event: bye\ndata: {"type":"bye","reason":"draining"[^\n]*}\n\n$/);
    expect(meters.connections).toBe(0);
  });
});
