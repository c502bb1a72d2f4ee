import { inspect } from 'node:util';
import { afterEach, expect, test, vi } from 'vitest';
import type { AgentChunk } from '../../actors/agent-port.ts';
import { ToolError } from '../../src/agent/tools/tool.ts';
import { adding, type Ran, ToolRecord } from './tool-record.ts';
import { askOnce, closeScene, scene } from './tool-scene.ts';
import { chunksOf, textOf } from './turns.ts';

afterEach(async () => {
  vi.useRealTimers();
  await closeScene();
});

/** From here on, time passes for timers only by `pass`. */
function heldTime(): { readonly pass: (ms: number) => Promise<void> } {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  return { pass: async (ms) => void (await vi.advanceTimersByTimeAsync(ms)) };
}

test('a call that people refuse does not run, and the model is told why', async () => {
  const ran: Ran[] = [];
  const record = new ToolRecord(() => ({ kind: 'rejected', reason: 'Ben said no: too dear' }));
  const { agent } = await scene(
    [adding(ran, { needsApproval: true })],
    askOnce({ name: 'add', args: { a: 1 } }),
  );
  expect(textOf(await chunksOf(agent, record.input('hi')))).toBe(
    'Error: This call was refused: Ben said no: too dear',
  );
  expect(record.begun[0]?.needsApproval).toBe(true);
  expect([ran, record.ended]).toEqual([[], []]);
});

test('a failing tool: its own words reach the model, a stack and a secret do not', async () => {
  const cases: readonly (readonly [Error, string])[] = [
    [new ToolError('there is no such city'), 'Error: there is no such city'],
    [
      new Error('connect postgres://user:hunter2@db at Socket.<anonymous>'),
      'Error: The tool failed.',
    ],
  ];
  for (const [error, words] of cases) {
    const record = new ToolRecord();
    const { agent, stub, reported } = await scene(
      [adding([], {}, () => Promise.reject(error))],
      askOnce({ name: 'add', args: { a: 1 } }),
    );
    const chunks = await chunksOf(agent, record.input('hi'));
    expect(textOf(chunks)).toBe(words);
    expect(inspect([chunks, record.ended, stub.calls[1]?.body])).not.toContain('hunter2');
    const isOwnWords = error instanceof ToolError;
    expect(reported).toMatchObject(
      isOwnWords ? [] : [['tool_failed', { tool: 'add', cause: error }]],
    );
  }
});

test('a tool that ignores its time limit is not waited for, and is told to stop', async () => {
  const ran: Ran[] = [];
  const { agent } = await scene(
    [adding(ran, { timeoutMs: 50 }, () => new Promise(() => {}))],
    askOnce({ name: 'add', args: { a: 1 } }),
  );
  expect(textOf(await chunksOf(agent, new ToolRecord().input('hi')))).toBe(
    'Error: The tool took longer than 0.05 seconds.',
  );
  expect(ran[0]?.context.signal.aborted).toBe(true);
});

test('the watchdogs of the model leave tools and people their time', async () => {
  const time = heldTime();
  const record = new ToolRecord(async () => {
    await time.pass(400);
    return { kind: 'run' };
  });
  const { agent } = await scene(
    [
      adding([], {}, async () => {
        await time.pass(400);
        return 'slow';
      }),
    ],
    askOnce({ name: 'add', args: { a: 1 } }),
    { firstTokenMs: 300, stallMs: 300 },
  );
  expect(textOf(await chunksOf(agent, record.input('hi')))).toBe('slow');
});

test('the watchdogs cover the answer after a tool as well', async () => {
  const time = heldTime();
  const { agent } = await scene(
    [adding([])],
    (call, n) => {
      if (n > 1) return void time.pass(300);
      call.ask({ name: 'add', args: { a: 1 } });
      call.finish('tool_calls');
    },
    { firstTokenMs: 300 },
  );
  await expect(chunksOf(agent, new ToolRecord().input('hi'))).rejects.toMatchObject({
    message: 'The model did not begin to answer in time.',
  });
});

test('a model that breaks off in the arguments of a tool is asked again in silence', async () => {
  const ran: Ran[] = [];
  const { agent, stub } = await scene([adding(ran)], (call, n) => {
    if (n === 1) {
      call.ask({ name: 'add', args: '{"a": ' });
      return call.end();
    }
    askOnce({ name: 'add', args: { a: 4 } })(call, n - 1);
  });
  const chunks = await chunksOf(agent, new ToolRecord().input('hi'));
  expect(chunks.some(({ type }) => type === 'restarted')).toBe(false);
  expect(textOf(chunks)).toBe('{"sum":5}');
  expect(ran).toHaveLength(1);
  expect(stub.calls).toHaveLength(3);
});

test('a cut in the answer after a tool begins again behind `restarted`, and runs no tool again', async () => {
  const ran: Ran[] = [];
  const record = new ToolRecord();
  const { agent, stub } = await scene([adding(ran)], (call, n) => {
    if (n === 1) {
      call.token('One moment.');
      call.ask({ name: 'add', args: { a: 2, b: 3 } });
      return call.finish('tool_calls');
    }
    call.token('It');
    if (n === 2) return call.end();
    call.token(' is 5.');
    call.finish();
  });
  const chunks = await chunksOf(agent, record.input('hi'));
  const seen = chunks.map((chunk) => (chunk.type === 'delta' ? chunk.text : chunk.type));
  expect(seen).toEqual([
    'One moment.',
    'usage',
    '\n\nIt',
    'restarted',
    'usage',
    'One moment.',
    '\n\nIt',
    ' is 5.',
    'usage',
    'done',
  ]);
  expect(chunks.filter(({ type }) => type === 'usage').at(-1)).toEqual({
    type: 'usage',
    usage: { input_tokens: 14, output_tokens: 6 },
  });
  expect([ran.length, record.begun.length]).toEqual([1, 1]);
  expect(stub.calls[2]?.body.messages).toEqual(stub.calls[1]?.body.messages);
});

test('a model that fails for good after a tool fails the turn, with one call of the tool', async () => {
  const ran: Ran[] = [];
  const { agent } = await scene(
    [adding(ran)],
    (call, n) => {
      if (n > 1) return call.refuse(500);
      call.ask({ name: 'add', args: { a: 1 } });
      call.finish('tool_calls');
    },
    { retries: 1 },
  );
  await expect(chunksOf(agent, new ToolRecord().input('hi'))).rejects.toMatchObject({
    message: 'The model endpoint failed; ask again in a moment.',
  });
  expect(ran).toHaveLength(1);
});

test('an abort while a tool runs stops it, and writes no outcome', async () => {
  const ran: Ran[] = [];
  const abort = new AbortController();
  const record = new ToolRecord();
  const { agent, stub } = await scene(
    [
      adding(ran, {}, async () => {
        abort.abort();
        return 'late';
      }),
    ],
    askOnce({ name: 'add', args: { a: 1 } }),
  );
  const chunks: AgentChunk[] = await chunksOf(agent, record.input('hi'), abort.signal);
  expect(chunks.map(({ type }) => type)).toEqual(['usage']);
  expect(ran[0]?.context.signal.aborted).toBe(true);
  expect([record.begun.length, record.ended.length, stub.calls.length]).toEqual([1, 0, 1]);
});

test('an attempt that is over while a call waits fails with the reason it was given', async () => {
  const over = new Error('the attempt is over');
  const record = new ToolRecord(() => Promise.reject(over));
  const { agent } = await scene([adding([])], askOnce({ name: 'add', args: { a: 1 } }));
  await expect(chunksOf(agent, record.input('hi'))).rejects.toBe(over);
});

test('leaving the stream while a tool runs stops the tool', async () => {
  const ran: Ran[] = [];
  let begins = () => {};
  const begun = new Promise<void>((resolve) => {
    begins = resolve;
  });
  const endless = () => {
    begins();
    return new Promise(() => {});
  };
  const { agent } = await scene([adding(ran, {}, endless)], (call) => {
    call.token('Well');
    call.ask({ name: 'add', args: { a: 1 } });
    call.finish('tool_calls');
  });
  for await (const _ of agent.answer(new ToolRecord().input('hi'), new AbortController().signal)) {
    await begun;
    break;
  }
  expect(ran.map(({ context }) => context.signal.aborted)).toEqual([true]);
});

test('a model that asks for tools for ever is told to stop, and then stopped in words', async () => {
  const ran: Ran[] = [];
  const record = new ToolRecord();
  const { agent, stub } = await scene(
    [adding(ran)],
    (call) => {
      call.ask({ name: 'add', args: { a: 1 } });
      call.finish('tool_calls');
    },
    { maxModelCalls: 4 },
  );
  const chunks = await chunksOf(agent, record.input('hi'));
  expect(textOf(chunks)).toBe(
    'I stopped here: the answer would need more steps than one turn may take.',
  );
  expect(chunks.at(-1)).toEqual({ type: 'done' });
  expect([stub.calls.length, ran.length]).toEqual([4, 3]);
});

test('calls beyond what a turn may make are refused, and the model answers with what it has', async () => {
  const ran: Ran[] = [];
  const { agent } = await scene(
    [adding(ran)],
    askOnce(
      ...Array.from({ length: 40 }, (_, i) => ({ id: `c${i}`, name: 'add', args: { a: i } })),
    ),
    { maxToolCalls: 3 },
  );
  const text = textOf(await chunksOf(agent, new ToolRecord().input('hi')));
  expect(ran).toHaveLength(3);
  expect(text.split(' | ')).toHaveLength(32);
  expect(text).toMatch(/no more tool calls in this turn/u);
});

test('a long result is cut, and the model knows', async () => {
  const record = new ToolRecord();
  const { agent } = await scene(
    [adding([], {}, async () => 'x'.repeat(50_000))],
    askOnce({ name: 'add', args: { a: 1 } }),
  );
  const text = textOf(await chunksOf(agent, record.input('hi')));
  expect(text.length).toBeLessThan(8_192);
  expect(text).toMatch(/42000 characters were cut off\]$/u);
  expect(record.ended[0]?.outcome.result).toBe(text);
});

test('an attempt after a crash says the steps again, runs what may be run, and goes on from there', async () => {
  const ran: Ran[] = [];
  const record = new ToolRecord(({ callId }) =>
    callId === 'w1'
      ? { kind: 'run' }
      : {
          kind: 'known',
          outcome: { error: 'interrupted: it is not known whether it was done', durationMs: 0 },
        },
  );
  const call = { name: 'add', needsApproval: false };
  const { agent, stub } = await scene([adding(ran)], (call) => {
    call.token('All told.');
    call.finish();
  });
  const chunks = await chunksOf(
    agent,
    record.input('hi', [
      {
        text: 'First.',
        calls: [
          {
            ...call,
            callId: 'd1',
            args: { a: 1, b: 1 },
            state: 'done',
            outcome: { result: { sum: 2 }, durationMs: 3 },
          },
        ],
      },
      {
        text: 'Then.',
        calls: [
          { ...call, callId: 'w1', args: { a: 5, b: 1 }, needsApproval: true, state: 'waiting' },
          { ...call, callId: 'r1', args: { a: 7, b: 1 }, state: 'running' },
        ],
      },
    ]),
  );
  expect(textOf(chunks)).toBe('First.\n\nThen.\n\nAll told.');
  expect(ran.map(({ args }) => args)).toEqual([{ a: 5, b: 1 }]);
  expect(record.begun.map(({ step, stepText, callId }) => [step, stepText, callId])).toEqual([
    [1, 'Then.', 'w1'],
    [1, 'Then.', 'r1'],
  ]);
  expect(record.ended.map(({ callId }) => callId)).toEqual(['w1']);
  expect(stub.calls).toHaveLength(1);
  expect(stub.calls[0]?.body.messages.slice(2)).toMatchObject([
    { role: 'assistant', content: 'First.', tool_calls: [{ id: 'd1' }] },
    { role: 'tool', tool_call_id: 'd1', content: '{"sum":2}' },
    { role: 'assistant', content: 'Then.', tool_calls: [{ id: 'w1' }, { id: 'r1' }] },
    { role: 'tool', tool_call_id: 'w1', content: '{"sum":6}' },
    { role: 'tool', tool_call_id: 'r1', content: expect.stringContaining('interrupted') },
  ]);
});

test('a recorded call of a tool that is gone by now is answered as such, and not begun', async () => {
  const record = new ToolRecord();
  const { agent } = await scene([adding([])], (call) => {
    call.token(call.body.messages.at(-1)?.['content'] ?? '');
    call.finish();
  });
  const gone = {
    callId: 'g1',
    name: 'gone',
    args: {},
    needsApproval: true,
    state: 'waiting',
  } as const;
  const chunks = await chunksOf(agent, record.input('hi', [{ text: '', calls: [gone] }]));
  expect(textOf(chunks)).toMatch(/There is no tool "gone"/u);
  expect(record.begun).toEqual([]);
  expect(record.ended).toMatchObject([{ callId: 'g1' }]);
});
