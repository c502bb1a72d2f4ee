/**
 * Agents in a line: when one cannot answer, the next one does, and the answer says so.
 *
 * Owns: who is asked, and in which order. Does not own: retries and watchdogs, which are each agent's own.
 * Invariants:
 * G1. Nothing is shown twice: what an agent had shown when it failed is taken back by `restarted`.
 * G2. No tool runs twice: what an earlier agent of the line recorded is among the next one's `steps`.
 * G3. A failure of the request itself, or an abort, is nobody else's turn.
 */
import {
  type Agent,
  type AgentChunk,
  AgentFailure,
  type TurnInput,
} from '../../actors/agent-port.ts';
import type { Degradation } from '../domain/event.ts';
import type { Reason } from '../domain/failure.ts';
import { RecordedSteps } from './recorded-steps.ts';

/** Who answers when those before it in the line could not, and what its answers are marked as. */
export interface StandIn {
  readonly agent: Agent;
  readonly as: Degradation;
}

/** Failures that another agent may do better with. */
const PASSED_ON: ReadonlySet<Reason> = new Set(['agent_unavailable', 'internal', 'overloaded']);

/** `first`, and behind it those who stand in for it. An answer of a stand-in is marked `degraded`. */
export function fallbackAgent(first: Agent, standIns: readonly StandIn[]): Agent {
  if (standIns.length === 0) return first;
  const labels = [first, ...standIns.map(({ agent }) => agent)].map(({ label }) => label);
  return {
    label: labels.join(', then '),
    ...(first.complete === undefined ? {} : { complete: first.complete }),
    answer: (input, signal) => answer(input, signal, [{ agent: first }, ...standIns]),
  };
}

type Line = readonly (StandIn | { readonly agent: Agent; readonly as?: never })[];

async function* answer(
  input: TurnInput,
  signal: AbortSignal,
  line: Line,
): AsyncGenerator<AgentChunk> {
  const steps = new RecordedSteps(input);
  for (const [at, { agent, as }] of line.entries()) {
    let isShown = false;
    try {
      for await (const chunk of agent.answer(steps.input(), signal)) {
        if (chunk.type === 'delta') isShown ||= chunk.text !== '';
        if (chunk.type === 'restarted') isShown = false;
        if (chunk.type === 'done')
          return yield as === undefined ? chunk : { ...chunk, degraded: as };
        yield chunk;
      }
      // It was told to stop, or broke the rules of the port: the runtime knows which.
      return;
    } catch (error) {
      const isLast = at === line.length - 1;
      if (isLast || signal.aborted || !isPassedOn(error)) throw error;
    }
    if (isShown) yield { type: 'restarted' };
  }
}

function isPassedOn(error: unknown): boolean {
  return !(error instanceof AgentFailure) || PASSED_ON.has(error.reason);
}
