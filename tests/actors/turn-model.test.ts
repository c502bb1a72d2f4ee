import { afterEach, describe, expect, it } from 'vitest';
import type { Agent } from '../../actors/agent-port.ts';
import type { ModelOptions } from '../../src/agent/langgraph/options.ts';
import { openAgent } from '../../src/agent/open.ts';
import { type ModelStub, type StubCall, startModelStub } from '../agent/model-stub.ts';
import { adding, type Ran } from '../agent/tool-record.ts';
import { afterCrash, idOf, recordOf, scene, story } from '../support/agent-scene.ts';
import { decide } from '../support/turn-tools.ts';
import { until } from '../support/until.ts';

/** The agent on a model, in a conversation: a real endpoint that misbehaves, and the turn that is made of it. */

let stub: ModelStub | undefined;
afterEach(async () => {
  await stub?.close();
  stub = undefined;
});

async function agentOn(
  answer: (call: StubCall, n: number) => void,
  more: Partial<ModelOptions> & { tools?: Parameters<typeof adding>[1][]; ran?: Ran[] } = {},
): Promise<Agent> {
  await stub?.close();
  stub = await startModelStub(answer);
  const { tools = [], ran = [], ...options } = more;
  const model = { baseUrl: stub.url, model: 'm', retryBaseMs: 5, retries: 0, ...options };
  const given = tools.map((how) => adding(ran, how));
  const agent = await openAgent({ kind: 'openai', model, tools: async () => given });
  return agent ?? expect.unreachable();
}

async function asked(agent: Agent) {
  const at = await scene({ agent });
  await at.ask('2 + 3?');
  return at;
}

const over = (outlet: Awaited<ReturnType<typeof asked>>['outlet']) =>
  until(() => outlet.of('turn.ended').length > 0);

describe('a turn whose model', () => {
  it('does not begin to answer is failed, with a reason for people', async () => {
    const { outlet } = await asked(await agentOn((call) => call.token(''), { firstTokenMs: 200 }));
    await over(outlet);
    expect(story(outlet)).toEqual(['started 1', 'failed']);
    expect(outlet.of('turn.ended')[0]).toMatchObject({
      error: { reason: 'agent_unavailable', message: 'The model did not begin to answer in time.' },
    });
  });

  it('stalls in the middle is a second attempt, whose deltas are the message', async () => {
    const agent = await agentOn(
      (call, n) => {
        call.token(n === 1 ? 'It is' : 'It was');
        if (n === 1) return;
        call.token(' 5.');
        call.finish();
      },
      { stallMs: 200 },
    );
    const { outlet, world, actor } = await asked(agent);
    await over(outlet);
    expect(story(outlet)).toEqual([
      'started 1',
      '"It is"',
      'started 2',
      '"It was"',
      '" 5."',
      'event 3',
      'completed 3',
    ]);
    expect(outlet.contents.at(-1)).toBe('It was 5.');
    expect(await recordOf(world, actor, idOf(outlet))).toMatchObject({ attempt: 2 });
  });

  it('is cut off twice is failed, and keeps nothing', async () => {
    const agent = await agentOn((call) => {
      call.token('It is');
      setTimeout(() => call.cut(), 50);
    });
    const { outlet } = await asked(agent);
    await over(outlet);
    expect(story(outlet)).toEqual(['started 1', '"It is"', 'started 2', '"It is"', 'failed']);
  });
});

describe('a turn with tools of a model', () => {
  /** Asks for one sum, then says what it was given. */
  const adds = (call: StubCall) => {
    const given = call.body.messages.filter(({ role }) => role === 'tool');
    if (given.length === 0) {
      call.token('Let me add.');
      call.ask({ id: 'c1', name: 'add', args: { a: 2, b: 3 } });
      return call.finish('tool_calls');
    }
    call.token(`So: ${given.map(({ content }) => content).join(' ')}`);
    call.finish();
  };

  it('goes on behind them after a crash, and runs none again', async () => {
    const ran: Ran[] = [];
    const first = await asked(
      await agentOn(
        (call, n) => {
          if (n === 1) return adds(call);
          call.token('So');
        },
        { tools: [{}], ran, stallMs: 60_000 },
      ),
    );
    await until(() => stub?.calls.length === 2);
    const next = await afterCrash(first, { agent: await agentOn(adds, { tools: [{}], ran }) });
    await over(next.outlet);
    expect(ran).toHaveLength(1);
    expect(next.outlet.contents.at(-1)).toBe('Let me add.\n\nSo: {"sum":5}');
    const record = await recordOf(next.world, next.actor, idOf(first.outlet));
    expect(record).toMatchObject({ state: 'completed', attempt: 2 });
    const deltas = next.outlet.of('turn.delta').map(({ text }) => text);
    const [snapshot] = next.outlet.of('turn.snapshot');
    expect(`${snapshot?.['text'] ?? ''}${deltas.join('')}`).toBe('Let me add.\n\nSo: {"sum":5}');
  });

  it('waits for people over a crash, and runs once when they approve', async () => {
    const ran: Ran[] = [];
    const needing = { tools: [{ needsApproval: true }], ran };
    const first = await asked(await agentOn(adds, needing));
    await until(() => first.actor.turnSnapshots()[0]?.state === 'awaiting_approval');
    const next = await afterCrash(first, { agent: await agentOn(adds, needing) });
    await until(() => next.actor.turnSnapshots()[0]?.state === 'awaiting_approval');
    expect(ran).toHaveLength(0);
    expect(await decide(next.actor, idOf(first.outlet), { callId: 'c1' })).toBe('ok');
    await over(next.outlet);
    expect(ran).toHaveLength(1);
    expect(next.outlet.contents.at(-1)).toBe('Let me add.\n\nSo: {"sum":5}');
  });

  it('says what people rejected to the model, and runs nothing', async () => {
    const ran: Ran[] = [];
    const at = await asked(await agentOn(adds, { tools: [{ needsApproval: true }], ran }));
    await until(() => at.actor.turnSnapshots()[0]?.state === 'awaiting_approval');
    const no = { callId: 'c1', verdict: 'reject', reason: 'too dear' } as const;
    expect(await decide(at.actor, idOf(at.outlet), no)).toBe('ok');
    await over(at.outlet);
    expect(ran).toHaveLength(0);
    expect(at.outlet.contents.at(-1)).toContain('too dear');
  });
});
