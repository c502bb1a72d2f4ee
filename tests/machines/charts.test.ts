import { getShortestPaths } from '@xstate/graph';
import { describe, expect, it } from 'vitest';
import { type AnyStateMachine, getNextSnapshot, initialTransition } from 'xstate';
import type { ChartTable } from '../../machines/chart-table.ts';
import { processChart, processMachine } from '../../machines/process.ts';
import { subscriptionChart, subscriptionMachine } from '../../machines/subscription.ts';
import { turnChart, turnMachine } from '../../machines/turn.ts';
import { isOver, TURN_STATES } from '../../src/domain/turn.ts';

interface Chart {
  readonly machine: AnyStateMachine;
  readonly table: ChartTable<string, string>;
  readonly legal: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const stops = { CANCEL: 'cancelled', SUPERSEDE: 'superseded', FAIL: 'failed' };

/** Every legal event of the flat machines, and where it leads. */
const CHARTS: Readonly<Record<string, Chart>> = {
  process: {
    machine: processMachine,
    table: processChart as ChartTable<string, string>,
    legal: {
      starting: { LISTENING: 'serving', STOP: 'draining' },
      serving: { STOP: 'draining' },
      draining: { DRAINED: 'stopped' },
      stopped: {},
    },
  },
  subscription: {
    machine: subscriptionMachine,
    table: subscriptionChart as ChartTable<string, string>,
    legal: {
      replaying: { LEVEL: 'live', OVER: 'congested', CLOSE: 'closed' },
      live: { OVER: 'congested', STALE: 'replaying', CLOSE: 'closed' },
      congested: { DRAINED: 'replaying', CLOSE: 'closed' },
      closed: {},
    },
  },
  turn: {
    machine: turnMachine,
    table: turnChart as ChartTable<string, string>,
    legal: {
      queued: { START: 'thinking', ...stops },
      thinking: {
        DELTA: 'streaming',
        ASK: 'awaiting_approval',
        DONE: 'committing',
        RESTART: 'thinking',
        ...stops,
      },
      streaming: {
        ASK: 'awaiting_approval',
        DONE: 'committing',
        RESTART: 'thinking',
        ...stops,
      },
      awaiting_approval: { DECIDED: 'thinking', ...stops },
      committing: { COMMITTED: 'completed', FAIL: 'failed' },
      completed: {},
      cancelled: {},
      superseded: {},
      failed: {},
    },
  },
};

describe.each(Object.entries(CHARTS))('the %s machine', (_, { machine, table, legal }) => {
  const events = [...new Set(Object.values(legal).flatMap((row) => Object.keys(row)))];
  const paths = getShortestPaths(machine, { events: events.map((type) => ({ type })) });

  it('reaches every state of its chart by a path from the start, and no other', () => {
    const reached = new Set(paths.map(({ state }) => String(state.value)));
    expect([...reached].sort()).toEqual(Object.keys(legal).sort());
  });

  it('knows the events of its chart, and no other', () => {
    expect([...machine.events].sort()).toEqual(events.sort());
  });

  it('allows in each state what its chart says; every other event changes nothing', () => {
    for (const { state } of paths) {
      const from = String(state.value);
      for (const type of events) {
        const after = getNextSnapshot(machine, state, { type });
        expect([from, type, String(after.value)]).toEqual([
          from,
          type,
          legal[from]?.[type] ?? from,
        ]);
      }
    }
  });

  it('is told in full by its table: the same start, the same steps, and nothing where nothing is legal', () => {
    const [first] = initialTransition(machine);
    expect(table.initial).toBe(first.value);
    for (const state of Object.keys(legal)) {
      for (const event of events) {
        const to = table.next(state, event);
        expect([state, event, to]).toEqual([state, event, legal[state]?.[event]]);
      }
      for (const event of ['toString', 'constructor', '__proto__', '']) {
        expect(table.next(state, event)).toBeUndefined();
      }
    }
  });

  it('ends for good exactly where no event is legal', () => {
    for (const { state } of paths) {
      const isEnd = Object.keys(legal[String(state.value)] ?? {}).length === 0;
      expect([state.value, state.status]).toEqual([state.value, isEnd ? 'done' : 'active']);
    }
  });
});

describe('the turn machine', () => {
  it('has the states of the turn record, and its ends are the ends of the record', () => {
    const legal: Chart['legal'] = CHARTS['turn']?.legal ?? {};
    expect(Object.keys(legal).sort()).toEqual([...TURN_STATES].sort());
    for (const state of TURN_STATES) {
      expect([state, isOver(state)]).toEqual([state, Object.keys(legal[state] ?? {}).length === 0]);
    }
  });
});
