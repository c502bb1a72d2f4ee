import type { CallBegin, CallPermit, TurnTools } from '../../actors/agent-port.ts';
import type { ConversationActor } from '../../actors/conversation-actor.ts';
import type { Decision } from '../../actors/turn-calls.ts';
import { decide as decideTurn } from '../../actors/turn-commands.ts';
import { turnId } from '../../src/domain/ids.ts';
import type { Author } from '../../src/domain/participant.ts';
import { ada } from './test-actors.ts';

/** A call of a tool, as an agent asks for it. */
export function call(callId: string, more: Partial<CallBegin> = {}): CallBegin {
  return {
    step: 0,
    stepText: '',
    callId,
    name: 'search',
    args: { q: callId },
    needsApproval: false,
    ...more,
  };
}

/** A begun call in one word, which becomes known later: `-` until then. */
export class Begun {
  word = '-';

  constructor(tools: TurnTools, given: CallBegin) {
    tools.begin(given).then(
      (permit) => {
        this.word = wordOfPermit(permit);
      },
      (cause: Error) => {
        this.word = cause.name;
      },
    );
  }
}

export function wordOfPermit(permit: CallPermit): string {
  switch (permit.kind) {
    case 'run':
      return 'run';
    case 'known':
      return `known ${JSON.stringify(permit.outcome.error ?? permit.outcome.result)}`;
    case 'rejected':
      return `rejected ${permit.reason}`;
    default:
      return permit satisfies never;
  }
}

/** What somebody decides, in one word: `ok`, or why not. */
export async function decide(
  actor: ConversationActor,
  turn: string,
  given: Partial<Decision> & { callId: string; by?: Author },
): Promise<string> {
  const { by = ada, verdict = 'approve', key = null, ...more } = given;
  const done = await decideTurn(actor, turnId(turn), { by, verdict, key, ...more });
  return done.ok ? 'ok' : done.failure.reason;
}
