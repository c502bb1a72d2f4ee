import { afterEach, expect, test, vi } from 'vitest';
import { adding, type Ran, ToolRecord } from './tool-record.ts';
import { closeScene, scene } from './tool-scene.ts';
import { chunksOf, textOf } from './turns.ts';

afterEach(async () => {
  vi.useRealTimers();
  await closeScene();
});

const hasTools = (body: { readonly tools?: readonly unknown[] }) => (body.tools?.length ?? 0) > 0;

test.each([
  [400, 'registry.ollama.ai/library/m:latest does not support tools', 2],
  [500, 'tools param requires --jinja flag', 3],
])(
  'an endpoint that refuses tools with %i answers without them, and is not offered them again',
  async (status, message, calls) => {
    const { agent, stub, reported } = await scene(
      [adding([])],
      (call) => {
        if (hasTools(call.body)) return call.refuse(status, {}, { error: { message } });
        call.token('ok');
        call.finish();
      },
      { retries: 1 },
    );
    expect(textOf(await chunksOf(agent, new ToolRecord().input('hi')))).toBe('ok');
    expect(stub.calls).toHaveLength(calls);
    expect(textOf(await chunksOf(agent, new ToolRecord().input('hi')))).toBe('ok');
    expect(stub.calls).toHaveLength(calls + 1);
    expect(stub.calls.at(-1)?.body.messages[0]?.['content']).not.toContain('tool');
    expect(reported).toMatchObject([['tools_refused', { model: 'openai:m' }]]);

    // A model that is started anew may take them.
    vi.useFakeTimers({ toFake: ['Date'] });
    vi.setSystemTime(Date.now() + 600_001);
    await chunksOf(agent, new ToolRecord().input('hi'));
    expect(stub.calls.filter(({ body }) => hasTools(body)).length).toBeGreaterThan(calls - 1);
  },
);

test('an endpoint that refuses the request for other reasons fails as it would', async () => {
  const { agent, stub, reported } = await scene([adding([])], (call) => call.refuse(400));
  const failed = chunksOf(agent, new ToolRecord().input('hi'));
  await expect(failed).rejects.toMatchObject({
    message: 'The model endpoint refused the request.',
  });
  expect(stub.calls.map(({ body }) => hasTools(body))).toEqual([true, false]);
  expect(reported).toEqual([]);
});

test('an endpoint that took tools once is not suspected again', async () => {
  const ran: Ran[] = [];
  const { agent, stub } = await scene([adding(ran)], (call, n) => {
    if (n > 1) return call.refuse(400);
    call.ask({ name: 'add', args: { a: 1 } });
    call.finish('tool_calls');
  });
  await expect(chunksOf(agent, new ToolRecord().input('hi'))).rejects.toThrow(
    'refused the request',
  );
  await expect(chunksOf(agent, new ToolRecord().input('hi'))).rejects.toThrow(
    'refused the request',
  );
  expect(ran).toHaveLength(1);
  expect(stub.calls).toHaveLength(3);
});
