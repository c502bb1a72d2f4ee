import { describe, expect, it } from 'vitest';
import { useWire } from '../support/wire.ts';

const wire = useWire({
  store: 'sqlite:{dir}/colloquy.db',
  agent: 'scripted',
  'conversation-tokens-per-day': 30,
  'output-price': 2,
});

const ANSWER = 'tokens: 20; rate: 0';

async function alone() {
  const { id, people } = await wire.room('Ada');
  const [ada] = people;
  if (!ada) throw new Error('nobody');
  return { id, ada };
}

describe('the budget of a conversation', () => {
  it('costs answers, never messages, and says when there is a new one; it holds over a restart', async () => {
    const { id, ada } = await alone();
    for (const round of [1, 2]) {
      const { seq } = await ada.ws.send(id, ANSWER, { key: `k${round}` });
      const started = await ada.ws.waitFor('turn.started', (turn) => turn.trigger_seq === seq);
      const end = await ada.ws.waitFor('turn.ended', (turn) => turn.turn_id === started.turn_id);
      expect(end).toMatchObject({
        state: 'completed',
        usage: { output_tokens: 20, cost: 0.00004 },
      });
    }
    await wire.server.restart('SIGKILL');
    const again = await wire.connect({ token: ada.token });
    await again.joinLive(id, {});
    const { seq } = await again.send(id, ANSWER);
    const refused = await again.waitFor('turn.ended');
    expect(refused).toMatchObject({
      state: 'failed',
      error: { code: 429, reason: 'budget_exhausted', retry_after_ms: expect.any(Number) },
    });
    expect(refused.error?.retry_after_ms).toBeLessThanOrEqual(86_400_000);
    const stored = await ada.rest.get(`/v1/conversations/${id}/messages/${seq}`);
    expect(stored.body.content).toBe(ANSWER);
    const asked = await ada.rest.post(`/v1/conversations/${id}/turns`, {});
    expect([asked.status, asked.body.reason]).toEqual([429, 'budget_exhausted']);
    expect(Number(asked.headers.get('retry-after'))).toBeGreaterThan(0);
    const { text } = await ada.rest.get('/metrics');
    expect(text).toMatch(/colloquy_turn_tokens_total\{direction="output"\} 0/);
  });
});
