// The same LangGraph agent called directly, in a process of its own: `node direct.ts PLAN`, and the figures as JSON.

import { HumanMessage, SystemMessage } from '@langchain/core/messages';
import { ChatOpenAICompletions } from '@langchain/openai';
import { createAgent } from 'langchain';
import { inLanes, type Plan, questionOf, Stopwatch, WARM_UP } from './measured.ts';

const plan = JSON.parse(process.argv[2] ?? '{}') as Plan;
/** About as long as what the server says of a turn. */
const SYSTEM_WORDS = 'You are Assistant, a participant in a conversation with people. '.repeat(8);

const model = new ChatOpenAICompletions({
  model: 'bench',
  apiKey: 'none',
  configuration: { baseURL: plan.base },
  maxRetries: 0,
});
const agent = createAgent({ model, tools: [] });

await inLanes(WARM_UP, (at) => answered(questionOf(WARM_UP, at), new Stopwatch()));
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
    if (message.text === '') continue;
    if (text === '') watch.first(askedAt);
    text += message.text;
    watch.tokens(message.text);
  }
  watch.whole(askedAt);
}
