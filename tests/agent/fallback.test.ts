import { describe, expect, test } from 'vitest';
import {
  type Agent,
  type AgentChunk,
  AgentFailure,
  type CallBegin,
  type TurnInput,
} from '../../actors/agent-port.ts';
import { fallbackAgent } from '../../src/agent/fallback.ts';
import { offlineAgent } from '../../src/agent/offline.ts';
import { MODEL_AWAY, NO_MODEL } from '../../src/agent/offline-wording.ts';
import type { CallOutcome } from '../../src/domain/turn.ts';
import { chunksOf, textOf, turn } from './turns.ts';

type Answer = (input: TurnInput, signal: AbortSignal) => AsyncIterable<AgentChunk>;

const named = (label: string, answer: Answer): Agent => ({ label, answer });
const says = (...texts: string[]): Answer =>
  async function* () {
    for (const text of texts) yield { type: 'delta', text };
    yield { type: 'done' };
  };
const fails = (error: Error, ...before: AgentChunk[]): Answer =>
  async function* () {
    yield* before;
    throw error;
  };
const away = new AgentFailure('agent_unavailable', 'The model endpoint cannot be reached.');
const delta = (text: string) => ({ type: 'delta', text }) as const;

const offline = offlineAgent({ wordsPerSecond: 0, standsIn: true });
const line = (first: Answer, second: Answer = says('from', ' b')) =>
  fallbackAgent(named('a', first), [
    { agent: named('b', second), as: 'fallback_model' },
    { agent: offline, as: 'offline' },
  ]);

describe('agents in a line', () => {
  test('the first one answers while it can, and its answer is not marked', async () => {
    const agent = line(says('hello'));
    expect(agent.label).toBe('a, then b, then offline');
    expect(await chunksOf(agent, turn('Hi'))).toEqual([delta('hello'), { type: 'done' }]);
  });

  test('nothing is restarted where nothing was shown, and the answer of the second is marked', async () => {
    expect(await chunksOf(line(fails(away)), turn('Hi'))).toEqual([
      delta('from'),
      delta(' b'),
      { type: 'done', degraded: 'fallback_model' },
    ]);
  });

  test('what was shown is taken back before another one speaks', async () => {
    const chunks = await chunksOf(line(fails(away, delta('I thi'))), turn('Hi'));
    expect(chunks.slice(0, 2)).toEqual([delta('I thi'), { type: 'restarted' }]);
    expect(textOf(chunks)).toBe('from b');
  });

  test('what an agent took back by itself is not taken back again', async () => {
    const agent = line(fails(away, delta('x'), { type: 'restarted' }));
    const types = (await chunksOf(agent, turn('Hi'))).map(({ type }) => type);
    expect(types).toEqual(['delta', 'restarted', 'delta', 'delta', 'done']);
  });

  test('the offline agent at its end says that the model does not answer, not that there is none', async () => {
    const chunks = await chunksOf(line(fails(away), fails(away)), turn('When is the launch?'));
    expect(chunks.at(-1)).toEqual({ type: 'done', degraded: 'offline' });
    expect(textOf(chunks)).toContain(MODEL_AWAY);
    expect(textOf(chunks)).not.toContain(NO_MODEL);
  });

  test('the failure of the last one is the failure of the line', async () => {
    const agent = fallbackAgent(named('a', fails(new Error('a'))), [
      { agent: named('b', fails(away)), as: 'fallback_model' },
    ]);
    await expect(chunksOf(agent, turn('Hi'))).rejects.toBe(away);
  });

  test.each(['content_refused', 'deleted'] as const)(
    'a failure of the request (%s) is passed on to nobody',
    async (reason) => {
      const refused = new AgentFailure(reason, 'no');
      await expect(chunksOf(line(fails(refused)), turn('Hi'))).rejects.toBe(refused);
    },
  );

  test('nobody else is asked after an abort', async () => {
    const abort = new AbortController();
    const cut: Answer = async function* () {
      yield delta('x');
      abort.abort(new Error('stopped'));
      throw new Error('stopped');
    };
    const agent = line(cut, () => {
      throw new Error('was asked');
    });
    await expect(chunksOf(agent, turn('Hi'), abort.signal)).rejects.toThrow('stopped');
  });

  test('what tools did is among the steps of who takes over: done, refused, or cut off in the middle', async () => {
    const call = (callId: string, step: number): CallBegin => ({
      step,
      stepText: `step ${step}`,
      callId,
      name: 'search_documents',
      args: { query: callId },
      needsApproval: false,
    });
    const first: Answer = async function* (input) {
      await input.tools.begin(call('c1', 1));
      await input.tools.end('c1', { result: 'found', durationMs: 2 });
      await input.tools.begin(call('c2', 1));
      await input.tools.begin(call('c3', 2));
      yield delta('step 2');
      throw away;
    };
    let seen: TurnInput | undefined;
    const second: Answer = async function* (input, signal) {
      seen = input;
      yield* says('b')(input, signal);
    };
    const earlier = { text: 'step 0', calls: [] };
    const ended: [string, CallOutcome][] = [];
    const input: TurnInput = {
      ...turn('Hi'),
      steps: [earlier],
      tools: {
        begin: async ({ callId }) =>
          callId === 'c2' ? { kind: 'rejected', reason: 'no' } : { kind: 'run' },
        end: async (callId, outcome) => {
          ended.push([callId, outcome]);
        },
      },
    };
    await chunksOf(line(first, second), input);
    expect(ended).toEqual([['c1', { result: 'found', durationMs: 2 }]]);
    expect(seen?.steps).toMatchObject([
      earlier,
      {
        text: 'step 1',
        calls: [
          { callId: 'c1', state: 'done', outcome: { result: 'found' } },
          { callId: 'c2', state: 'done', outcome: { error: 'no' } },
        ],
      },
      { text: 'step 2', calls: [{ callId: 'c3', state: 'running' }] },
    ]);
  });
});
