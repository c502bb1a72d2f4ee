import { AgentFailure } from '../../../actors/agent-port.ts';
import type { Reason } from '../../domain/failure.ts';

interface Traits {
  /** The same call may be made again, if nothing was shown yet. */
  readonly isTransient: boolean;
  /** A sign that the endpoint is broken, and not the request: it counts for the breaker. */
  readonly breaks: boolean;
  readonly reason: Reason;
}

const FINAL: Traits = { isTransient: false, breaks: false, reason: 'agent_unavailable' };
const TRANSIENT: Traits = { ...FINAL, isTransient: true };
const BROKEN: Traits = { ...FINAL, isTransient: true, breaks: true };

/** Every way a model call ends badly, and what people read about it. */
const FAULTS = {
  rate_limited: [TRANSIENT, 'The model has too many requests just now; ask again in a moment.'],
  broken: [BROKEN, 'The model endpoint failed; ask again in a moment.'],
  unreachable: [BROKEN, 'The model endpoint cannot be reached.'],
  cut: [BROKEN, 'The connection to the model broke before its answer was whole.'],
  late: [{ ...FINAL, breaks: true }, 'The model did not begin to answer in time.'],
  stalled: [FINAL, 'The model stopped in the middle of its answer.'],
  resting: [FINAL, 'The model failed several times in a row; it is left alone for a while.'],
  no_quota: [FINAL, 'The account at the model endpoint is used up; the operator must see to it.'],
  unauthorized: [FINAL, 'The model endpoint refuses the key; the operator must see to it.'],
  unknown_model: [FINAL, 'The model endpoint has no such model; the operator must see to it.'],
  too_long: [FINAL, 'The conversation is longer than the model can read.'],
  rejected: [FINAL, 'The model endpoint refused the request.'],
  empty: [FINAL, 'The model gave no answer.'],
  filtered: [{ ...FINAL, reason: 'content_refused' }, 'The model endpoint withheld the answer.'],
  unexpected: [{ ...FINAL, reason: 'internal' }, 'The agent broke while it was answering.'],
} as const satisfies Readonly<Record<string, readonly [Traits, string]>>;

export type FaultKind = keyof typeof FAULTS;

/** A model call that ended badly. Its message is for the log: no secret in it, and nothing of the prompt. */
export class ModelFault extends Error {
  readonly kind: FaultKind;
  /** Milliseconds the endpoint asked to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(kind: FaultKind, detail: string, retryAfterMs?: number) {
    super(`${kind}: ${detail}`);
    this.name = 'ModelFault';
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
  }

  get isTransient(): boolean {
    return FAULTS[this.kind][0].isTransient;
  }

  get breaks(): boolean {
    return FAULTS[this.kind][0].breaks;
  }

  /** The failure that leaves the agent: public words only; this fault is its cause. */
  toFailure(): AgentFailure {
    const [{ reason }, message] = FAULTS[this.kind];
    return new AgentFailure(reason, message, { cause: this });
  }
}
