import type { Tool, ToolContext } from '../../../src/agent/tools/tool.ts';
import { conversationId } from '../../../src/domain/ids.ts';
import { ANA } from '../tool-record.ts';

/** Runs a tool as a turn does: with arguments that were checked. Throws what is wrong with them, or what it throws. */
export async function runTool(
  tool: Tool,
  args: unknown,
  more: Partial<ToolContext> = {},
): Promise<unknown> {
  const checked = tool.check(args);
  if (!checked.ok) throw new Error(checked.failure);
  return tool.run(checked.value, {
    conversationId: conversationId('c_1'),
    triggerSeq: 100,
    askedBy: [ANA],
    signal: AbortSignal.timeout(60_000),
    ...more,
  });
}
