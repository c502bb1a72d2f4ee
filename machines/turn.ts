import { createMachine } from 'xstate';
import type { TurnState } from '../src/domain/turn.ts';
import { chartTable } from './chart-table.ts';

const stops = { CANCEL: 'cancelled', SUPERSEDE: 'superseded', FAIL: 'failed' } as const;

/** One turn of an agent: from the message that asks for it to its one end. */
export const turnMachine = createMachine({
  id: 'turn',
  initial: 'queued',
  states: {
    /** Waits for the turn before it. */
    queued: { on: { START: 'thinking', ...stops } },
    /** Asked the agent; nothing shown yet. */
    thinking: {
      on: {
        DELTA: 'streaming',
        ASK: 'awaiting_approval',
        DONE: 'committing',
        RESTART: 'thinking',
        ...stops,
      },
    },
    /** Text is being shown. */
    streaming: {
      on: { ASK: 'awaiting_approval', DONE: 'committing', RESTART: 'thinking', ...stops },
    },
    /** A tool call waits for somebody's decision. */
    awaiting_approval: { on: { DECIDED: 'thinking', ...stops } },
    /** The answer is on its way into the log. */
    committing: { on: { COMMITTED: 'completed', FAIL: 'failed' } },
    completed: { type: 'final' },
    cancelled: { type: 'final' },
    superseded: { type: 'final' },
    failed: { type: 'final' },
  },
});

export type TurnEvent =
  | 'START'
  | 'DELTA'
  | 'ASK'
  | 'DECIDED'
  | 'RESTART'
  | 'DONE'
  | 'COMMITTED'
  | 'CANCEL'
  | 'SUPERSEDE'
  | 'FAIL';

export const turnChart = chartTable<TurnState, TurnEvent>(turnMachine);
