import { beforeEach, expect, test } from 'vitest';
import type { Agent, AgentChunk } from '../../actors/agent-port.ts';
import { conversationId, participantId } from '../../src/domain/ids.ts';
import { dayOf } from '../../src/domain/spending.ts';
import { Meters } from '../../src/observability/meters.ts';
import { type BudgetParts, Budgets, budgeted } from '../../src/pipeline/budgets.ts';
import { countTokens } from '../../src/provider/tokens.ts';
import { MemoryStore } from '../../storage/memory/memory-store.ts';
import { chunksOf, said, turnOf } from '../agent/turns.ts';
import { granted } from '../contract/fixtures.ts';

const ANA = participantId('ana');
const BEN = participantId('ben');
const ROOM = conversationId('c_1');
const NOON = Date.UTC(2026, 5, 1, 12);
const NONE = { tokens: 0, cost: 0 };

let store: MemoryStore;
let meters: Meters;
let now: number;

beforeEach(() => {
  store = new MemoryStore();
  meters = new Meters();
  now = NOON;
});

function budgetsOf(more: Partial<BudgetParts> = {}): Budgets {
  return new Budgets({
    ledger: store.ledger,
    now: () => now,
    soon: (write) => write(),
    meters,
    report: () => {},
    perParticipant: NONE,
    perConversation: NONE,
    prices: { input: 0, output: 0 },
    contextTokens: 8_000,
    ...more,
  });
}

const usage = (input: number, output: number): AgentChunk => ({
  type: 'usage',
  usage: { input_tokens: input, output_tokens: output },
});
const delta = (text: string): AgentChunk => ({ type: 'delta', text });
const DONE: AgentChunk = { type: 'done' };

function agentOf(...chunks: readonly (AgentChunk | Error)[]): Agent {
  return {
    label: 'm',
    complete: async () => ({ text: '' }),
    answer: async function* ({ history }) {
      await history(10);
      for (const chunk of chunks) {
        if (chunk instanceof Error) throw chunk;
        yield chunk;
      }
    },
  };
}

const asked = { ...turnOf([said('How deep is the lake?')]), askedBy: [ANA, BEN, ANA] };
const answer = (agent: Agent, budgets: Budgets) => chunksOf(budgeted(agent, budgets), asked);

async function spent(...who: readonly ('ana' | 'ben' | 'room')[]) {
  const accounts = who.map((one) =>
    one === 'room'
      ? (`conversation:${ROOM}` as const)
      : (`participant:${participantId(one)}` as const),
  );
  return granted(await store.ledger.spent(dayOf(now), accounts));
}

test('what an answer took is counted for everybody who asked, and for the conversation, once', async () => {
  const chunks = [delta('Deep.'), usage(100, 20), DONE];
  expect(await answer(agentOf(...chunks), budgetsOf())).toEqual(chunks);
  const one = { inputTokens: 100, outputTokens: 20, cost: 0 };
  expect(await spent('ana', 'ben', 'room')).toEqual([one, one, one]);
  expect(meters.tokens).toEqual({ input: 100, output: 20, cost: 0 });
});

test('prices make it a cost: in the usage of the turn, in the ledger, in the metrics', async () => {
  const budgets = budgetsOf({ prices: { input: 0.4, output: 1.6 } });
  const chunks = await answer(agentOf(delta('Deep.'), usage(1_000, 500), DONE), budgets);
  expect(chunks[1]).toMatchObject({ usage: { input_tokens: 1_000, cost: 0.0012 } });
  expect(await spent('ana')).toEqual([{ inputTokens: 1_000, outputTokens: 500, cost: 1_200_000 }]);
  expect(meters.tokens.cost).toBeCloseTo(0.0012);
});

test('an agent may have prices of its own, also for its tasks', async () => {
  const agent = { ...agentOf(delta('x'), usage(1_000, 0), DONE) };
  const task = {
    ...agent,
    complete: async () => ({ text: 's', usage: { input_tokens: 10, output_tokens: 0 } }),
  };
  const own = budgeted(task, budgetsOf(), { input: 5, output: 0 });
  expect((await chunksOf(own, asked))[1]).toMatchObject({ usage: { cost: 0.005 } });
  const done = await own.complete?.({ instructions: '', text: '' }, new AbortController().signal);
  expect(done?.usage?.cost).toBe(0.00005);
});

test('attempts add up, whether one goes on from the other or begins anew', async () => {
  await answer(
    agentOf(
      ...[delta('a'), usage(10, 1), { type: 'restarted' } as const, usage(10, 1)],
      ...[delta('b'), usage(25, 4), { type: 'restarted' } as const],
      ...[delta('c'), usage(7, 2), DONE],
    ),
    budgetsOf(),
  );
  expect(await spent('room')).toMatchObject([{ inputTokens: 32, outputTokens: 6 }]);
});

test('a provider that says nothing is counted for, and the usage says so', async () => {
  const chunks = await answer(agentOf(delta('Nine '), delta('metres.'), DONE), budgetsOf());
  const counted = {
    input_tokens: countTokens('How deep is the lake?'),
    output_tokens: countTokens('Nine metres.'),
  };
  expect(chunks.at(-2)).toEqual({ type: 'usage', usage: { ...counted, estimated: true } });
  expect(await spent('ana')).toMatchObject([{ inputTokens: counted.input_tokens }]);
});

test('an answer that fails, or that nobody waits for any more, is paid for', async () => {
  const budgets = budgetsOf();
  const failing = agentOf(delta('Nine metres'), new Error('cut'));
  await expect(answer(failing, budgets)).rejects.toThrow('cut');
  const [first] = await spent('room');
  expect(first?.outputTokens).toBe(countTokens('Nine metres'));
  const stream = budgeted(agentOf(delta('Nine metres'), DONE), budgets).answer(
    asked,
    new AbortController().signal,
  );
  for await (const _ of stream) break;
  expect((await spent('room'))[0]?.outputTokens).toBe(2 * countTokens('Nine metres'));
});

test('a used-up budget refuses the turn until the day ends, and says when; other people have theirs', async () => {
  const budgets = budgetsOf({ perParticipant: { tokens: 100, cost: 0 } });
  await answer(agentOf(delta('x'), usage(90, 10), DONE), budgets);
  const refused = await answer(agentOf(DONE), budgets).catch((error: unknown) => error);
  expect(refused).toMatchObject({
    reason: 'budget_exhausted',
    retryAfterMs: 12 * 3_600_000,
    message: expect.stringContaining('2026-06-02T00:00:00.000Z'),
  });
  const cy = { conversationId: ROOM, askedBy: [participantId('cy')] };
  expect(await budgets.refuses(cy)).toBeUndefined();
  now += 12 * 3_600_000;
  expect(await budgets.refuses(asked)).toBeUndefined();
});

test('a conversation has a budget of its own, in money too', async () => {
  const budgets = budgetsOf({
    perConversation: { tokens: 0, cost: 0.01 },
    prices: { input: 1, output: 10 },
  });
  await answer(agentOf(delta('x'), usage(0, 999), DONE), budgets);
  expect(await budgets.refuses(asked)).toBeUndefined();
  await answer(agentOf(delta('x'), usage(10, 0), DONE), budgets);
  expect(await budgets.refuses(asked)).toMatchObject({ reason: 'budget_exhausted' });
  const elsewhere = { conversationId: conversationId('c_2'), askedBy: [ANA] };
  expect(await budgets.refuses(elsewhere)).toBeUndefined();
});

test('it holds over a restart, and while the ledger does not answer', async () => {
  const limits = { perParticipant: { tokens: 100, cost: 0 } };
  await answer(agentOf(delta('x'), usage(60, 10), DONE), budgetsOf(limits));
  const closed = new MemoryStore();
  await closed.close();
  let isDown = true;
  const { ledger } = store;
  const flaky = {
    ...limits,
    ledger: {
      add: (...given: Parameters<typeof ledger.add>) =>
        (isDown ? closed.ledger : ledger).add(...given),
      spent: (...given: Parameters<typeof ledger.spent>) => ledger.spent(...given),
      trim: (day: number) => ledger.trim(day),
    },
  };
  const budgets = budgetsOf(flaky);
  await answer(agentOf(delta('x'), usage(30, 5), DONE), budgets);
  expect(await budgets.refuses(asked)).toMatchObject({ reason: 'budget_exhausted' });
  isDown = false;
  await budgets.spend(asked, { input_tokens: 1, output_tokens: 0 });
  expect(await spent('ana', 'room')).toEqual([
    { inputTokens: 91, outputTokens: 15, cost: 0 },
    { inputTokens: 91, outputTokens: 15, cost: 0 },
  ]);
});
