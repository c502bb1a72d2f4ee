import { expect, test } from 'vitest';
import { type AgentChunk, AgentFailure } from '../../actors/agent-port.ts';
import { scriptedAgent } from '../../src/agent/scripted.ts';
import { turnId } from '../../src/domain/ids.ts';
import { fc } from '../support/properties.ts';
import { ManualClock } from './manual-clock.ts';
import { ToolRecord } from './tool-record.ts';
import { answerOf, chunksOf, textOf, turn } from './turns.ts';

const atOnce = scriptedAgent({ tokensPerSecond: 0 });

test('answers the same turn with the same words, another turn with others', async () => {
  const other = { ...turn('hello'), turnId: turnId('t_2') };
  expect(await answerOf(atOnce, turn('hello'))).toBe(await answerOf(atOnce, turn('hello')));
  expect(await answerOf(atOnce, other)).not.toBe(await answerOf(atOnce, turn('hello')));
});

test('ends with usage and one `done`', async () => {
  const chunks = await chunksOf(atOnce, turn('tokens: 12'));
  expect(chunks.slice(-2)).toEqual([
    { type: 'usage', usage: { input_tokens: 3, output_tokens: 12 } },
    { type: 'done' },
  ]);
  expect(chunks.filter(({ type }) => type === 'delta')).toHaveLength(12);
});

test('says what it is told to say, to the letter', async () => {
  expect(await answerOf(atOnce, turn('@assistant say: hello  world; all of it'))).toBe(
    'hello  world; all of it',
  );
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 200, unit: 'grapheme' }), async (text) => {
      const line = text.replaceAll('\n', ' ');
      expect(await answerOf(atOnce, turn(`say: ${line}`))).toBe(line);
    }),
  );
});

test('is never longer than an answer may be, whatever is asked for', async () => {
  const agent = scriptedAgent({ tokensPerSecond: 0, maxAnswerChars: 100 });
  for (const ask of ['tokens: 999999999', `say: ${'x'.repeat(5_000)}`, `say: ${'😀'.repeat(500)}`])
    expect((await answerOf(agent, turn(ask))).length).toBeLessThanOrEqual(100);
});

test('keeps the pace it is given, from the first token on', async () => {
  const clock = new ManualClock();
  const agent = scriptedAgent({ clock, tokensPerSecond: 50, firstTokenMs: 100 });
  const times: number[] = [];
  const answered = (async () => {
    for await (const chunk of agent.answer(turn('tokens: 5'), new AbortController().signal))
      if (chunk.type === 'delta') times.push(clock.now());
  })();
  await clock.advance(300);
  await answered;
  expect(times).toEqual([100, 120, 140, 160, 180]);
});

test('a message may ask for another pace', async () => {
  const clock = new ManualClock();
  const agent = scriptedAgent({ clock });
  const chunks = chunksOf(agent, turn('first: 40; rate: 1000; tokens: 10'));
  await clock.advance(60);
  expect(textOf(await chunks).split(' ')).toHaveLength(10);
});

test('fails, is cut and begins again where the message says', async () => {
  const spoken: AgentChunk[] = [];
  const failing = (async () => {
    for await (const chunk of atOnce.answer(turn('fail: 3'), new AbortController().signal))
      spoken.push(chunk);
  })();
  await expect(failing).rejects.toThrow(AgentFailure);
  expect(spoken).toHaveLength(3);

  const cut = await chunksOf(atOnce, turn('cut: 2'));
  expect(cut.map(({ type }) => type)).toEqual(['delta', 'delta']);

  const restarted = await chunksOf(atOnce, turn('restart: 2\nsay: one two three'));
  expect(restarted.map((chunk) => (chunk.type === 'delta' ? chunk.text : chunk.type))).toEqual([
    'one',
    ' two',
    'restarted',
    'one',
    ' two',
    ' three',
    'usage',
    'done',
  ]);
});

test('a directive in the middle of a sentence is only words', async () => {
  const chunks = await chunksOf(atOnce, turn('this may fail: 3 times'));
  expect(chunks.at(-1)).toEqual({ type: 'done' });
});

test('stops at once when it is aborted: before the first token, between tokens, while it stalls', async () => {
  for (const ask of ['first: 60000', 'rate: 1', 'stall', 'stall: 1']) {
    const clock = new ManualClock();
    const abort = new AbortController();
    const chunks = chunksOf(scriptedAgent({ clock, tokensPerSecond: 1 }), turn(ask), abort.signal);
    await clock.advance(8);
    abort.abort();
    const types = (await chunks).map(({ type }) => type);
    expect(types).not.toContain('done');
    expect(types.length).toBeLessThanOrEqual(1);
    expect(clock.now()).toBe(8);
  }
});

test('calls the tools that it is told to behind its first token, and says what came of each', async () => {
  const record = new ToolRecord(({ name }) =>
    name === 'pay' ? { kind: 'rejected', reason: 'no' } : { kind: 'run' },
  );
  const input = record.input('say: one two\ntool: look; approve: pay; tool: think');
  expect(await answerOf(atOnce, input)).toBe('one [look: done] [pay: no] [think: done] two');
  expect(
    record.begun.map(({ step, stepText, callId, needsApproval }) => [
      step,
      stepText,
      callId,
      needsApproval,
    ]),
  ).toEqual([
    [0, 'one', 'call_1', false],
    [1, ' [look: done]', 'call_2', true],
    [2, ' [pay: no]', 'call_3', false],
  ]);
  expect(record.ended.map(({ callId }) => callId)).toEqual(['call_1', 'call_3']);
});

test('says what is known of a call that an earlier attempt made', async () => {
  const record = new ToolRecord(() => ({
    kind: 'known',
    outcome: { error: 'interrupted', durationMs: 0 },
  }));
  expect(await answerOf(atOnce, record.input('say: one two\ntool: look'))).toBe(
    'one [look: interrupted] two',
  );
  expect(record.ended).toEqual([]);
});
