import {
  AIMessage,
  type BaseMessage,
  HumanMessage,
  SystemMessage,
  ToolMessage,
} from '@langchain/core/messages';
import { afterEach, expect, test } from 'vitest';
import { fitted } from '../../src/agent/langgraph/fitting-context.ts';
import { countTokens } from '../../src/provider/tokens.ts';
import { fc, runs } from '../support/properties.ts';
import { adding, ToolRecord } from './tool-record.ts';
import { closeScene, scene } from './tool-scene.ts';
import { chunksOf, said, turnOf } from './turns.ts';

afterEach(closeScene);

const words = (count: number) => 'word '.repeat(count).trim();

function step(id: string, result: string): BaseMessage[] {
  const call = { type: 'tool_call' as const, id, name: 'add', args: { a: 1 } };
  return [
    new AIMessage({ content: '', tool_calls: [call] }),
    new ToolMessage({ tool_call_id: id, name: 'add', content: result }),
  ];
}

const SYSTEM = new SystemMessage('You are Assistant.');
const QUESTION = new HumanMessage('Ana: so?');

const tokensOf = (messages: readonly BaseMessage[]) =>
  messages.reduce((sum, { text }) => sum + countTokens(text) + 4, 0);

test('a turn that fits, or has used no tool, is left as it is', () => {
  const plain = [SYSTEM, new HumanMessage(words(5_000)), QUESTION];
  expect(fitted(plain, 100)).toBe(plain);
  const small = [SYSTEM, QUESTION, ...step('a', 'done')];
  expect(fitted(small, 1_000)).toBe(small);
});

test('older results give way first, then the history, the newest results last', () => {
  const history = [new HumanMessage(words(300)), new AIMessage(words(300)), new HumanMessage('hm')];
  const messages = [
    SYSTEM,
    ...history,
    QUESTION,
    ...step('a', words(900)),
    ...step('b', words(900)),
  ];
  const lengths = (tokens: number) => fitted(messages, tokens).map(({ text }) => countTokens(text));
  const [system, question] = [countTokens(SYSTEM.text), countTokens(QUESTION.text)];
  const long = countTokens(words(900));
  // The older result is enough.
  expect(lengths(1_900)).toEqual([system, 300, 300, 1, question, 0, expect.any(Number), 0, long]);
  expect(lengths(1_900)[6]).toBeLessThanOrEqual(101);
  // Then the oldest of the history, and no answer of the model in front of the rest.
  expect(lengths(1_400)).toEqual([system, 1, question, 0, expect.any(Number), 0, long]);
  // Then the newest result.
  const tight = lengths(500);
  expect(tight.slice(0, 2)).toEqual([system, question]);
  expect(tight.at(-1)).toBeLessThan(350);
  expect(tokensOf(fitted(messages, 500))).toBeLessThanOrEqual(500);
});

test('whatever a turn has, each call keeps its result, and the question and the system’s words stay', () => {
  const texts = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 6 });
  fc.assert(
    fc.property(texts, texts, fc.integer({ min: 50, max: 3_000 }), (said, results, tokens) => {
      const history = said.map((n, i) =>
        i % 2 ? new AIMessage(words(n)) : new HumanMessage(words(n)),
      );
      const steps = results.flatMap((n, i) => step(`c${i}`, words(n)));
      const kept = fitted([SYSTEM, ...history, QUESTION, ...steps], tokens);
      const ids = kept.flatMap((one) => (ToolMessage.isInstance(one) ? [one.tool_call_id] : []));
      expect(ids).toEqual(results.map((_, i) => `c${i}`));
      expect(kept[0]).toBe(SYSTEM);
      expect(kept).toContain(QUESTION);
      expect(AIMessage.isInstance(kept[1]) && said.length > 0 && kept[1] !== history[0]).toBe(
        false,
      );
    }),
    { numRuns: runs(200) },
  );
});

test('results on top of a full prompt do not make it longer than it may be', async () => {
  const { agent, stub } = await scene(
    [adding([], {}, async () => words(1_500))],
    (call, n) => {
      if (n < 5) {
        call.ask({ id: `c${n}`, name: 'add', args: { a: n } });
        return call.finish('tool_calls');
      }
      call.token('done');
      call.finish();
    },
    { contextTokens: 2_500 },
  );
  const messages = Array.from({ length: 30 }, (_, i) => said(words(100), { seq: i + 1 }));
  await chunksOf(agent, { ...new ToolRecord().input(''), ...turnOf(messages) });
  const sizes = stub.calls.map(({ body }) =>
    body.messages.reduce((sum, { content }) => sum + countTokens(content ?? '') + 4, 0),
  );
  expect(sizes).toHaveLength(5);
  for (const size of sizes) expect(size).toBeLessThanOrEqual(2_500);
  expect(stub.calls.at(-1)?.body.messages.filter(({ role }) => role === 'tool')).toHaveLength(4);
});
