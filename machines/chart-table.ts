import { type AnyStateMachine, initialTransition, transition } from 'xstate';

/**
 * A flat, context-free chart as a table, made from the machine itself by XState's pure `transition`. Subscriptions
 * and turns are many and short: a look-up costs nanoseconds and no memory, an interpreter
 * microseconds and 4 kB each. What may happen is still said in one place, the machine.
 */
export interface ChartTable<S extends string, E extends string> {
  readonly initial: S;
  /** The state after `event`; undefined when the chart does not allow it in this state. */
  readonly next: (state: S, event: E) => S | undefined;
}

export function chartTable<S extends string, E extends string>(
  machine: AnyStateMachine,
): ChartTable<S, E> {
  const rows = new Map<string, Map<string, S>>();
  const [first] = initialTransition(machine);
  for (const name of Object.keys(machine.root.states)) {
    const row = new Map<string, S>();
    const at = machine.resolveState({ value: name, context: {} });
    for (const type of machine.events) {
      if (machine.root.states[name]?.config.on?.[type] === undefined) continue;
      const [after] = transition(machine, at, { type });
      row.set(type, after.value as S);
    }
    rows.set(name, row);
  }
  return {
    initial: first.value as S,
    next: (state, event) => rows.get(state)?.get(event),
  };
}
