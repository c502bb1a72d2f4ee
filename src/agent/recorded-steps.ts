import type { CallBegin, CallPermit, TurnInput } from '../../actors/agent-port.ts';
import type { CallOutcome, TurnCall, TurnStep } from '../domain/turn.ts';

/** What the tools of a turn did since its attempt began, for an agent that takes it over in the middle. */
export class RecordedSteps {
  readonly #input: TurnInput;
  readonly #steps: { text: string; calls: TurnCall[] }[];

  constructor(input: TurnInput) {
    this.#input = input;
    this.#steps = input.steps.map(({ text, calls }) => ({ text, calls: [...calls] }));
  }

  /** The turn as it stands now; what its tools do is noted here, too. */
  input(): TurnInput {
    const { tools } = this.#input;
    const steps: readonly TurnStep[] = this.#steps.map(({ text, calls }) => ({
      text,
      calls: [...calls],
    }));
    return {
      ...this.#input,
      steps,
      tools: {
        begin: async (call) => {
          this.#note(call, { state: call.needsApproval ? 'waiting' : 'running' });
          const permit = await tools.begin(call);
          this.#note(call, stateAfter(permit));
          return permit;
        },
        end: async (callId, outcome) => {
          this.#done(callId, outcome);
          await tools.end(callId, outcome);
        },
      },
    };
  }

  #note(
    { step, stepText, forgets, ...about }: CallBegin,
    state: Pick<TurnCall, 'state' | 'outcome'>,
  ): void {
    while (this.#steps.length <= step) this.#steps.push({ text: '', calls: [] });
    const noted = this.#steps[step];
    if (noted === undefined) return;
    noted.text = stepText;
    const { callId } = about;
    const call: TurnCall = { ...about, ...(forgets === true ? { forgets } : {}), ...state };
    const at = noted.calls.findIndex((known) => known.callId === callId);
    if (at === -1) noted.calls.push(call);
    else noted.calls[at] = call;
  }

  #done(callId: string, outcome: CallOutcome): void {
    for (const { calls } of this.#steps) {
      const at = calls.findIndex((call) => call.callId === callId);
      const call = calls[at];
      if (call !== undefined) calls[at] = { ...call, state: 'done', outcome };
    }
  }
}

function stateAfter(permit: CallPermit): Pick<TurnCall, 'state' | 'outcome'> {
  switch (permit.kind) {
    case 'run':
      return { state: 'running' };
    case 'known':
      return { state: 'done', outcome: permit.outcome };
    case 'rejected':
      return { state: 'done', outcome: { error: permit.reason, durationMs: 0 } };
    default:
      return permit satisfies never;
  }
}
