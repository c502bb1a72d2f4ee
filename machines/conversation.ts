import { setup } from 'xstate';

/**
 * The life of one conversation's actor. The chart rules bursts, not messages: a conversation enters
 * `open.writing` with the first draft after a pause and leaves it when a sweep finds it quiet, so a
 * message costs no transition (docs/adr/0002).
 *
 * What the states do is the conversation's; it comes in through `ConversationPort`. Its methods never
 * throw, and may answer by an event at once.
 */
export interface ConversationPort {
  /** Reads the conversation; answers LOADED, GONE or FAILED. */
  load(): void;
  /** Takes drafts and commits them, one batch at a time, until QUIET. */
  write(): void;
  /** Commits nothing until the next `write`. */
  rest(): void;
  /** Answers what waits with the reason, and asks the supervisor for a RETRY. */
  refuse(): void;
  /** Takes no more drafts, commits those it has, then answers DRAINED. */
  drain(): void;
  /** Lets go of everything. */
  passivate(): void;
}

export type ConversationEvent =
  /** The conversation was read; it may be written. */
  | { type: 'LOADED' }
  /** There is no such conversation, or no more. */
  | { type: 'GONE' }
  /** The store did not answer, or something broke. */
  | { type: 'FAILED' }
  /** Another writer moved the head: read it again. */
  | { type: 'STALE' }
  /** The first draft after a pause. */
  | { type: 'MAIL' }
  /** Nothing was written for a while. */
  | { type: 'QUIET' }
  /** Nobody needs it: stop. */
  | { type: 'PASSIVATE' }
  /** The supervisor's next try. */
  | { type: 'RETRY' }
  /** The process is stopping. */
  | { type: 'DRAIN' }
  /** All that was taken is committed. */
  | { type: 'DRAINED' };

export const conversationMachine = setup({
  types: {
    context: {} as { readonly port: ConversationPort },
    input: {} as { readonly port: ConversationPort },
    events: {} as ConversationEvent,
  },
  actions: {
    load: ({ context }) => context.port.load(),
    write: ({ context }) => context.port.write(),
    rest: ({ context }) => context.port.rest(),
    refuse: ({ context }) => context.port.refuse(),
    drain: ({ context }) => context.port.drain(),
    passivate: ({ context }) => context.port.passivate(),
  },
}).createMachine({
  id: 'conversation',
  context: ({ input }) => ({ port: input.port }),
  initial: 'loading',
  states: {
    loading: {
      entry: 'load',
      on: { LOADED: 'open', GONE: 'passivated', FAILED: 'failed', DRAIN: 'passivated' },
    },
    open: {
      initial: 'idle',
      on: { STALE: 'loading', FAILED: 'failed', GONE: 'passivated', DRAIN: 'draining' },
      states: {
        idle: { on: { MAIL: 'writing', PASSIVATE: '#conversation.passivated' } },
        writing: { entry: 'write', exit: 'rest', on: { QUIET: 'idle' } },
      },
    },
    draining: {
      entry: 'drain',
      on: { DRAINED: 'passivated', STALE: 'passivated', FAILED: 'passivated', GONE: 'passivated' },
    },
    failed: { entry: 'refuse', on: { RETRY: 'loading', DRAIN: 'passivated' } },
    passivated: { entry: 'passivate', type: 'final' },
  },
});
