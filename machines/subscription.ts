import { createMachine } from 'xstate';
import { chartTable } from './chart-table.ts';

/** A connection in a conversation. */
export const subscriptionMachine = createMachine({
  id: 'subscription',
  initial: 'replaying',
  states: {
    /** Reading the log from its position towards the head. */
    replaying: { on: { LEVEL: 'live', OVER: 'congested', CLOSE: 'closed' } },
    /** Given every event as it commits. */
    live: { on: { OVER: 'congested', STALE: 'replaying', CLOSE: 'closed' } },
    /** Has more unread bytes than its budget; waits at its position until they are read. */
    congested: { on: { DRAINED: 'replaying', CLOSE: 'closed' } },
    closed: { type: 'final' },
  },
});

export type SubscriptionState = 'replaying' | 'live' | 'congested' | 'closed';
export type SubscriptionEvent = 'LEVEL' | 'OVER' | 'STALE' | 'DRAINED' | 'CLOSE';

export const subscriptionChart = chartTable<SubscriptionState, SubscriptionEvent>(
  subscriptionMachine,
);
