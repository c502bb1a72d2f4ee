import { AgentFailure } from '../../../actors/agent-port.ts';
import type { Reason } from '../../domain/failure.ts';
import type { FaultKind, ProviderFault } from '../../provider/provider-fault.ts';

/** What people read about a model call that ended badly. */
const WORDS = {
  rate_limited: 'The model has too many requests just now; ask again in a moment.',
  broken: 'The model endpoint failed; ask again in a moment.',
  unreachable: 'The model endpoint cannot be reached.',
  cut: 'The connection to the model broke before its answer was whole.',
  late: 'The model did not begin to answer in time.',
  stalled: 'The model stopped in the middle of its answer.',
  resting: 'The model failed several times in a row; it is left alone for a while.',
  busy: 'The model has as many questions as it may have; ask again in a moment.',
  no_quota: 'The account at the model endpoint is used up; the operator must see to it.',
  unauthorized: 'The model endpoint refuses the key; the operator must see to it.',
  unknown_model: 'The model endpoint has no such model; the operator must see to it.',
  too_long: 'The conversation is longer than the model can read.',
  rejected: 'The model endpoint refused the request.',
  empty: 'The model gave no answer.',
  filtered: 'The model endpoint withheld the answer.',
  nonsense: 'The model endpoint gave an answer that makes no sense.',
  unexpected: 'The agent broke while it was answering.',
} as const satisfies Readonly<Record<FaultKind, string>>;

const REASONS: Partial<Readonly<Record<FaultKind, Reason>>> = {
  filtered: 'content_refused',
  unexpected: 'internal',
};

/** The failure that leaves the agent: public words only; the fault is its cause. */
export function agentFailureOf(fault: ProviderFault): AgentFailure {
  const reason = REASONS[fault.kind] ?? 'agent_unavailable';
  return new AgentFailure(reason, WORDS[fault.kind], { cause: fault });
}
