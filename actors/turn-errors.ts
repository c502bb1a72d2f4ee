import { type Failure, failure, statusOf } from '../src/domain/failure.ts';
import type { TurnError } from '../src/domain/turn.ts';
import { AgentFailure } from './agent-port.ts';

/** Why a turn failed, in words for people. */

export const lost: TurnError = {
  code: statusOf('agent_unavailable'),
  reason: 'agent_unavailable',
  message: 'The server was stopped twice in the middle of this answer.',
};

export const noAgent: TurnError = {
  code: statusOf('agent_unavailable'),
  reason: 'agent_unavailable',
  message: 'This server has no agent of this name.',
};

export function tooLong(deadlineMs: number): TurnError {
  return {
    code: statusOf('agent_unavailable'),
    reason: 'agent_unavailable',
    message: `The agent took longer than ${deadlineMs} ms.`,
  };
}

export function publicError({ reason, message }: Failure): TurnError {
  return { code: statusOf(reason), reason, message };
}

/** Only what an agent says for people leaves the process. */
export function agentError(cause: unknown): TurnError {
  if (cause instanceof AgentFailure) {
    const { reason, message, retryAfterMs } = cause;
    const after = retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs };
    return { code: statusOf(reason), reason, message, ...after };
  }
  return publicError(failure('internal', { message: 'The agent broke down.' }));
}
