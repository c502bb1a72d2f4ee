// The same LangGraph agent called directly, in a process of its own: `node direct.ts PLAN`, and the figures as JSON.

import { HumanMessage, SystemMessage } from '@langchain/core/messages';
import { ChatOpenAICompletions } from '@langchain/openai';
import { createAgent, tool } from 'langchain';
import { currentTime } from '../../../src/agent/tools/current-time.ts';
import { conversationId } from '../../../src/domain/ids.ts';
import { inLanes, type Plan, questionOf, Stopwatch, usesTool, warmUpOf } from './measured.ts';

const plan = JSON.parse(process.argv[2] ?? '{}') as Plan;
/** About as long as what the server says of a turn. */
const SYSTEM_WORDS = 'You are Assistant, a participant in a conversation with people. '.repeat(8);

const model = new ChatOpenAICompletions({
  model: 'bench',
  apiKey: 'none',
  configuration: { baseURL: plan.base },
  maxRetries: 0,
});
const agent = createAgent({ model, tools: usesTool(plan) ? [timeTool()] : [] });
const warmUp = warmUpOf(plan);

await inLanes(warmUp, (at) => answered(questionOf(warmUp, at), new Stopwatch()));
const watch = new Stopwatch();
const begun = { cpu: process.cpuUsage(), at: watch.now() };
await inLanes(plan, (at) => answered(questionOf(plan, at), watch));
const { user, system } = process.cpuUsage(begun.cpu);
const seconds = (watch.now() - begun.at) / 1_000;
const { turns } = plan;
process.stdout.write(
  JSON.stringify(watch.read({ turns, seconds, cpuSeconds: (user + system) / 1e6 })),
);

async function answered(question: string, watch: Stopwatch): Promise<void> {
  const askedAt = watch.now();
  let text = '';
  const messages = [new SystemMessage(SYSTEM_WORDS), new HumanMessage(`Ada: ${question}`)];
  const stream = await agent.stream({ messages }, { streamMode: ['messages'] });
  for await (const [, [message]] of stream) {
    if (message.type !== 'ai' || message.text === '') continue;
    if (text === '') watch.first(askedAt);
    text += message.text;
    watch.tokens(message.text);
  }
  watch.whole(askedAt);
}

/** The server's own, as LangChain takes tools. */
function timeTool() {
  const { name, description, parameters, run } = currentTime(Date.now);
  const nobody = { conversationId: conversationId('c'), triggerSeq: 1, askedBy: [] };
  return tool(
    async (args, { signal = new AbortController().signal }) =>
      JSON.stringify(await run(args, { ...nobody, signal })),
    { name, description, schema: { ...parameters, type: 'object' as const } },
  );
}
