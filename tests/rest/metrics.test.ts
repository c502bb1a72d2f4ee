import { describe, expect, it } from 'vitest';
import { said, useServed } from './served.ts';

const start = useServed();

describe('/metrics', () => {
  it('has what the issue of the runtime names, with a help for each', async () => {
    const { text } = await (await start()).rest().get('/metrics');
    for (const [name, type] of [
      ['connections', 'gauge'],
      ['live_conversations', 'gauge'],
      ['mailbox_depth', 'gauge'],
      ['batch_size', 'histogram'],
      ['append_seconds', 'histogram'],
      ['deliveries_total', 'counter'],
      ['congested_subscriptions', 'gauge'],
      ['refusals_total', 'counter'],
      ['event_loop_lag_seconds', 'gauge'],
      ['open_turns', 'gauge'],
      ['turns_total', 'counter'],
      ['cache_hits_total', 'counter'],
      ['cache_misses_total', 'counter'],
      ['cache_evictions_total', 'counter'],
      ['cache_bytes', 'gauge'],
      ['cache_conversations', 'gauge'],
    ]) {
      expect(text).toContain(`# TYPE colloquy_${name} ${type}\n`);
      expect(text).toContain(`# HELP colloquy_${name} `);
    }
    expect(text).toContain('process_resident_memory_bytes');
  });

  it('tells what happened so far, the same when it is read again', async () => {
    const served = await start();
    const ada = await served.person('ada');
    const actor = await served.room(ada, 'c');
    await Promise.all([said(actor, ada.who, 'a'), said(actor, ada.who, 'b')]);
    await ada.rest.get('/v1/conversations/nowhere');
    served.runtime.edge.meters.turnEnded('completed', 1_500);
    const read = async () => {
      const { text } = await served.rest().get('/metrics');
      return text.split('\n').filter((line) => /^colloquy_(?!event_loop)/.test(line));
    };
    const first = await read();
    for (const line of [
      'colloquy_live_conversations 1',
      'colloquy_events_total 2',
      'colloquy_batch_size_count 1',
      'colloquy_batch_size_sum 2',
      'colloquy_refusals_total{reason="conversation_not_found"} 1',
      'colloquy_turns_total{state="completed"} 1',
      'colloquy_turn_seconds_total{state="completed"} 1.5',
    ]) {
      expect(first).toContain(line);
    }
    expect(await read()).toEqual(first);
  });
});
