// The same LangGraph agent called directly, in a process of its own: `node direct.ts PLAN`, and the figures as JSON.

import { HumanMessage, SystemMessage } from '@langchain/core/messages';
import { ChatOpenAICompletions } from '@langchain/openai';
import { createAgent } from 'langchain';
import { inLanes, type Plan, Stopwatch } from './measured.ts';

const plan = JSON.parse(process.argv[2] ?? '{}') as Plan;
const WARM_UP = 20;
/** About as long as what the server says of a turn. */
const SYSTEM_WORDS = 'You are Assistant, a participant in a conversation with people. '.repeat(8);

const agentOn = (model: string) =>
  createAgent({
    model: new ChatOpenAICompletions({
      model,
      apiKey: 'none',
      configuration: { baseURL: plan.base },
      maxRetries: 0,
    }),
    tools: [],
  });

const warm = agentOn('20@0');
for (let at = 0; at < WARM_UP; at += 1) await answered(warm, at, new Stopwatch());
const agent = agentOn(plan.model);
const watch = new Stopwatch();
const begun = { cpu: process.cpuUsage(), at: watch.now() };
await inLanes(plan, (at) => answered(agent, at, watch));
const { user, system } = process.cpuUsage(begun.cpu);
const seconds = (watch.now() - begun.at) / 1_000;
const { turns } = plan;
process.stdout.write(
  JSON.stringify(watch.read({ turns, seconds, cpuSeconds: (user + system) / 1e6 })),
);

async function answered(
  graph: ReturnType<typeof agentOn>,
  at: number,
  watch: Stopwatch,
): Promise<void> {
  const askedAt = watch.now();
  let text = '';
  const messages = [new SystemMessage(SYSTEM_WORDS), new HumanMessage(`Ada: question ${at}`)];
  const stream = await graph.stream({ messages }, { streamMode: ['messages'] });
  for await (const [, [message]] of stream) {
    if (message.text === '') continue;
    if (text === '') watch.first(askedAt);
    text += message.text;
    watch.tokens(message.text);
  }
  watch.whole(askedAt);
}
