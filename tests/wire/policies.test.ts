import { describe, expect, it } from 'vitest';
import { Random } from '../support/random.ts';
import { until } from '../support/until.ts';
import { useWire } from '../support/wire.ts';

/** Messages race the tokens of answers; the witness holds the frames of every test to the promises about turns. */
const wire = useWire({ agent: 'scripted', 'debounce-ms': 40, 'max-queued-turns': 40 });

const MESSAGES = 14;
/** Longer than a message takes, and shorter than all of them. */
const random = new Random();
const ANSWER = 'tokens: 50; rate: 400';

interface Turn {
  readonly turn_id: string;
  readonly trigger_seq: number;
  readonly state: string;
  readonly text: string;
  readonly message_seq?: number;
}

/** What became of a conversation in which people wrote while the agent spoke. */
async function raced(policy: string) {
  const { people } = await wire.room('Ada');
  const [ada] = people;
  if (ada === undefined) throw new Error('nobody');
  const made = await ada.rest.post('/v1/conversations', { agent: { while_busy: policy } });
  const id: string = made.body.conversation_id;
  await ada.ws.joinLive(id);
  const sent: number[] = [];
  let refused = 0;
  for (let at = 0; at < MESSAGES; at += 1) {
    const answer = await ada.ws.trySend(id, ANSWER);
    if (answer.type === 'ack') sent.push(answer.seq);
    else refused += 1;
    // Some come right behind one another, whatever the machine has to do besides.
    const pause = random.chance(0.4) || at === 0 ? 0 : random.whole(1, 50);
    for (let rounds = pause; rounds > 0; rounds -= 1) await ada.ws.settle();
  }
  const path = `/v1/conversations/${id}`;
  let turns: Turn[] = [];
  await until(async () => {
    turns = (await ada.rest.get(`${path}/turns`)).body.items;
    const isOver = turns.every(({ state }) => /^(completed|superseded|failed)$/.test(state));
    return isOver && turns.at(-1)?.trigger_seq === sent.at(-1);
  });
  await ada.ws.settle();
  const { items } = (await ada.rest.get(`${path}/messages?limit=500`)).body;
  const answers = (
    items as { turn_id?: string; partial?: true; seq: number; content: string }[]
  ).filter(({ turn_id }) => turn_id !== undefined);
  const inState = (state: string) => turns.filter((turn) => turn.state === state);
  return { sent, refused, turns, answers, inState };
}

describe('messages that race the tokens of answers', () => {
  it('are all answered, in their order, under enqueue', async () => {
    const { sent, refused, answers, inState } = await raced('enqueue');
    expect(refused).toBe(0);
    expect(inState('completed').map(({ trigger_seq }) => trigger_seq)).toEqual(sent);
    expect(answers).toHaveLength(MESSAGES);
  });

  it('are answered or refused, and never both, under reject', async () => {
    const { sent, refused, inState } = await raced('reject');
    expect(sent.length + refused).toBe(MESSAGES);
    expect(refused).toBeGreaterThan(0);
    expect(inState('completed').map(({ trigger_seq }) => trigger_seq)).toEqual(sent);
  });

  it.each(['interrupt', 'rollback'])(
    'end what is being said under %s; the newest is answered whole',
    async (policy) => {
      const { sent, turns, answers, inState } = await raced(policy);
      expect(turns.at(-1)).toMatchObject({ state: 'completed', trigger_seq: sent.at(-1) });
      expect(inState('superseded').length).toBeGreaterThan(0);
      const parts = answers.filter(({ partial }) => partial === true);
      const keeping = inState('superseded').filter(({ message_seq }) => message_seq !== undefined);
      expect(parts.map(({ turn_id }) => turn_id)).toEqual(keeping.map(({ turn_id }) => turn_id));
      for (const { turn_id, content } of parts)
        expect(turns.find((turn) => turn.turn_id === turn_id)?.text).toBe(content);
      if (policy === 'rollback') expect(parts).toEqual([]);
    },
  );

  it('are answered together under debounce, the last one last', async () => {
    const { sent, inState, answers } = await raced('debounce');
    const completed = inState('completed');
    expect(completed.length).toBeLessThan(MESSAGES);
    expect(completed.at(-1)?.trigger_seq).toBe(sent.at(-1));
    expect(answers.map(({ partial }) => partial)).toEqual(completed.map(() => undefined));
  });
});
