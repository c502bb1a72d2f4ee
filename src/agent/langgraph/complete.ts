import { HumanMessage, SystemMessage } from '@langchain/core/messages';
import type { Completed, Task } from '../../../actors/agent-port.ts';
import type { Opening } from '../../provider/opening.ts';
import { ProviderFault } from '../../provider/provider-fault.ts';
import type { Provider } from './chat-model.ts';
import { agentFailureOf } from './fault.ts';
import { UNTRACED } from './untraced.ts';

/** Milliseconds the model gets for a task: nobody waits for it. */
const TASK_MS = 60_000;

/** One call of the model beside any turn, under the same breaker and retries. Throws `AgentFailure`. */
export async function complete(
  { instructions, text }: Task,
  signal: AbortSignal,
  { provider, open }: { readonly provider: Provider; readonly open: Opening },
): Promise<Completed> {
  const messages = [new SystemMessage(instructions), new HumanMessage(text)];
  const call = async () => {
    const late = AbortSignal.timeout(TASK_MS);
    try {
      return await provider.model.invoke(messages, {
        signal: AbortSignal.any([signal, late]),
        callbacks: [...UNTRACED],
      });
    } catch (error) {
      if (late.aborted) throw new ProviderFault('late', `no answer after ${TASK_MS} ms`);
      throw provider.faultOf(error);
    }
  };
  try {
    const { text: written, usage_metadata: usage } = await open(call, signal);
    if (written.trim() === '') throw new ProviderFault('empty', 'a task without an answer');
    if (usage === undefined) return { text: written };
    const { input_tokens, output_tokens } = usage;
    return { text: written, usage: { input_tokens, output_tokens } };
  } catch (error) {
    throw error instanceof ProviderFault ? agentFailureOf(error) : error;
  }
}
