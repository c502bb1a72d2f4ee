import type { Agent } from '../../actors/agent-port.ts';
import type { ModelOptions } from '../../src/agent/langgraph/options.ts';
import { openAgent } from '../../src/agent/open.ts';
import type { Tool } from '../../src/agent/tools/tool.ts';
import { type AskedTool, type ModelStub, type StubCall, startModelStub } from './model-stub.ts';

let stub: ModelStub | undefined;

/** Ends the endpoint of the last scene. */
export async function closeScene(): Promise<void> {
  await stub?.close();
  stub = undefined;
}

export interface Scene {
  readonly agent: Agent;
  readonly stub: ModelStub;
  readonly reported: unknown[];
}

/** A model agent with these tools, on an endpoint that answers so. One at a time: the one before it is closed. */
export async function scene(
  tools: readonly Tool[],
  answer: (call: StubCall, n: number) => void,
  more: Partial<ModelOptions> = {},
): Promise<Scene> {
  await closeScene();
  stub = await startModelStub(answer);
  const reported: unknown[] = [];
  const agent = await openAgent({
    kind: 'openai',
    model: { baseUrl: stub.url, model: 'm', retryBaseMs: 5, ...more },
    tools: async () => tools,
    report: (...line) => reported.push(line),
  });
  if (agent === undefined) throw new Error('no agent');
  return { agent, stub, reported };
}

/** Asks for tools in its first answer, and says what it was given in its second. */
export function askOnce(...calls: readonly AskedTool[]) {
  return (call: StubCall, n: number) => {
    if (n === 1) {
      call.ask(...calls);
      return call.finish('tool_calls');
    }
    const given = call.body.messages.filter(({ role }) => role === 'tool');
    call.token(given.map(({ content }) => content).join(' | '));
    call.finish();
  };
}
