import { createMachine } from 'xstate';
import { chartTable } from './chart-table.ts';

/** The life of the server process. */
export const processMachine = createMachine({
  id: 'process',
  initial: 'starting',
  states: {
    starting: { on: { LISTENING: 'serving', STOP: 'draining' } },
    serving: { on: { STOP: 'draining' } },
    /** Takes no new sends; commits and acknowledges what it has; lets turns end. */
    draining: { on: { DRAINED: 'stopped' } },
    stopped: { type: 'final' },
  },
});

export type ProcessState = 'starting' | 'serving' | 'draining' | 'stopped';
export type ProcessEvent = 'LISTENING' | 'STOP' | 'DRAINED';

export const processChart = chartTable<ProcessState, ProcessEvent>(processMachine);
