import { adjacencyMapToArray, getAdjacencyMap, getShortestPaths } from '@xstate/graph';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createActor } from 'xstate';
import {
  type ConversationEvent,
  type ConversationPort,
  conversationMachine,
} from '../../machines/conversation.ts';

const METHODS = ['load', 'write', 'rest', 'refuse', 'drain', 'passivate'] as const;
const EVENTS = [
  'LOADED',
  'GONE',
  'FAILED',
  'STALE',
  'MAIL',
  'QUIET',
  'PASSIVATE',
  'RETRY',
  'DRAIN',
  'DRAINED',
] as const satisfies ReadonlyArray<ConversationEvent['type']>;

/** Every legal event, with where it leads and what the port is asked for, in that order. */
const CHART: Readonly<Record<string, Readonly<Record<string, readonly [string, ...string[]]>>>> = {
  loading: {
    LOADED: ['open.idle'],
    GONE: ['passivated', 'passivate'],
    FAILED: ['failed', 'refuse'],
    DRAIN: ['passivated', 'passivate'],
  },
  'open.idle': {
    MAIL: ['open.writing', 'write'],
    PASSIVATE: ['passivated', 'passivate'],
    STALE: ['loading', 'load'],
    FAILED: ['failed', 'refuse'],
    GONE: ['passivated', 'passivate'],
    DRAIN: ['draining', 'drain'],
  },
  'open.writing': {
    QUIET: ['open.idle', 'rest'],
    STALE: ['loading', 'rest', 'load'],
    FAILED: ['failed', 'rest', 'refuse'],
    GONE: ['passivated', 'rest', 'passivate'],
    DRAIN: ['draining', 'rest', 'drain'],
  },
  draining: {
    DRAINED: ['passivated', 'passivate'],
    STALE: ['passivated', 'passivate'],
    FAILED: ['passivated', 'passivate'],
    GONE: ['passivated', 'passivate'],
  },
  failed: { RETRY: ['loading', 'load'], DRAIN: ['passivated', 'passivate'] },
  passivated: {},
};

function run(events: readonly ConversationEvent['type'][]) {
  const calls: string[] = [];
  const port = Object.fromEntries(
    METHODS.map((method) => [method, () => calls.push(method)]),
  ) as unknown as ConversationPort;
  const actor = createActor(conversationMachine, { input: { port } });
  actor.start();
  for (const type of events) actor.send({ type });
  const { value, status } = actor.getSnapshot();
  return { calls, status, state: typeof value === 'object' ? `open.${value.open}` : value };
}

const port = {} as ConversationPort;
const traversal = {
  input: { port },
  events: EVENTS.map((type) => ({ type })),
  serializeState: ({ value }: { value: unknown }) => JSON.stringify(value),
};

/** The shortest events to each state, found by walking the machine. */
const paths = new Map(
  getShortestPaths(conversationMachine, traversal).map((path) => {
    const { value } = path.state;
    const events = path.steps
      .map(({ event }) => event.type as string)
      .filter((type): type is (typeof EVENTS)[number] => EVENTS.some((known) => known === type));
    return [typeof value === 'object' ? `open.${value.open}` : value, events] as const;
  }),
);

describe('the conversation machine', () => {
  beforeEach(() => {
    // XState's development build remarks on events to an ended actor; here they are the point.
    vi.spyOn(console, 'warn').mockImplementation(() => {});
  });

  it('reaches every state of the chart, and no other', () => {
    expect([...paths.keys()].sort()).toEqual(Object.keys(CHART).sort());
  });

  it('asks for a load first', () => {
    expect(run([])).toEqual({ calls: ['load'], status: 'active', state: 'loading' });
  });

  const cases = Object.keys(CHART).flatMap((state) => EVENTS.map((event) => ({ state, event })));

  it.each(cases)('does what the chart says on $event in $state', ({ state, event }) => {
    const path = paths.get(state) ?? [];
    const before = run(path);
    expect(before.state).toBe(state);
    const after = run([...path, event]);
    const [target, ...asked] = CHART[state]?.[event] ?? [state];
    expect(after.state).toBe(target);
    expect(after.calls.slice(before.calls.length)).toEqual(asked);
    expect(after.status).toBe(target === 'passivated' ? 'done' : 'active');
  });

  it('can always be drained: from every state there is a way to passivated', () => {
    const ways = new Map<string, string[]>();
    const map = getAdjacencyMap(conversationMachine, traversal);
    for (const { state, nextState } of adjacencyMapToArray(map)) {
      const from = JSON.stringify(state.value);
      ways.set(from, [...(ways.get(from) ?? []), JSON.stringify(nextState.value)]);
    }
    expect(ways.size).toBe(Object.keys(CHART).length);
    for (const start of ways.keys()) {
      const reached = new Set([start]);
      for (const state of reached) for (const next of ways.get(state) ?? []) reached.add(next);
      expect(reached).toContain('"passivated"');
    }
  });
});
