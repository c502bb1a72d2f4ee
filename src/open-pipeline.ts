import type { Agent } from '../actors/agent-port.ts';
import type { Clock } from '../actors/clock.ts';
import type { Store } from '../storage/store.ts';
import type { Config } from './config.ts';
import type { ConversationId } from './domain/ids.ts';
import type { Message } from './domain/message.ts';
import type { Log } from './observability/log.ts';
import type { Meters } from './observability/meters.ts';
import { moderated, type OnRefused } from './pipeline/answers.ts';
import { AuditTrail } from './pipeline/audit.ts';
import { Budgets, budgeted, type Prices } from './pipeline/budgets.ts';
import { ConversationMemory, remembering } from './pipeline/memory.ts';
import { ContentModeration, type Moderation } from './pipeline/moderation.ts';
import { StageMeter } from './pipeline/stages.ts';
import { AnswerStructuring, structured } from './pipeline/structuring.ts';
import { Summaries } from './pipeline/summaries.ts';
import { type Breakers, breakerName } from './provider/breakers.ts';
import { moderationJudge } from './provider/moderations.ts';
import type { ConversationSearch } from './search/conversation-search.ts';

/** The stages around every message, as the runtime uses them. */
export interface Pipeline {
  readonly moderation: Moderation;
  readonly budgets: Budgets;
  readonly audit: AuditTrail;
  /** The agent with the stages around its turns; without prices of its own those of the settings hold. */
  readonly around: (agent: Agent, prices?: Prices) => Agent;
  /** Leaves what goes on in the background. While the store is open. */
  readonly close: () => Promise<void>;
}

export interface PipelineParts {
  readonly config: Config;
  readonly store: Store;
  readonly search: ConversationSearch;
  readonly meters: Meters;
  readonly breakers: Breakers;
  readonly clock: Clock;
  /** Calls when the conversations write. */
  readonly soon: (write: () => void) => void;
  readonly log: Log;
}

/** One part for each stage; to replace a stage is to make another part here. */
export async function openPipeline(parts: PipelineParts): Promise<Pipeline> {
  const { config, store, search, meters, clock, soon, log } = parts;
  const moderation = await openModeration(parts);
  const budgets = new Budgets({
    ledger: store.ledger,
    now: clock.now,
    soon,
    meters,
    report: log.warn,
    ...budgetLimits(config),
  });
  const audit = new AuditTrail({
    log: store.audit,
    timing: clock,
    meter: new StageMeter(meters, 'audit'),
    report: log.warn,
    keepsMessages: config.auditMessages,
    maxAgeMs: config.auditAge,
  });
  audit.start();
  const memory = new ConversationMemory({
    store,
    search: (id, question, limit) => searched(search, id, { question, limit }),
    meter: new StageMeter(meters, 'memory'),
    recalled: config.recalledMessages,
  });
  const summaries = new Summaries({
    store,
    now: clock.now,
    report: log.warn,
    onSpent: (conversationId, usage) => {
      budgets.note({ conversationId, askedBy: [] }, usage);
    },
    summaryTokens: config.summaryTokens,
  });
  const structuring = new AnswerStructuring({
    documents: store.documents,
    meter: new StageMeter(meters, 'structuring'),
  });
  const onRefused: OnRefused = ({ conversationId, turnId, agentId }, { reason }) => {
    const action = 'answer.refused';
    const about = { participantId: agentId, from: null, conversationId, target: turnId };
    audit.note({ ...about, action, outcome: reason });
  };
  return {
    moderation,
    budgets,
    audit,
    around: (agent, prices) => {
      const counted = budgeted(agent, budgets, prices);
      const told = remembering(counted, memory, summaries);
      return moderated(structured(told, structuring), moderation, onRefused);
    },
    close: async () => {
      await Promise.all([summaries.close(), audit.close()]);
    },
  };
}

async function openModeration({
  config,
  meters,
  breakers,
  log,
}: PipelineParts): Promise<Moderation> {
  const { moderationUrl: baseUrl, moderationKey: apiKey, moderationModel: model } = config;
  const words = config.wordFilter ? await import('./pipeline/bad-words.ts') : undefined;
  const breaker = () => breakers.named(breakerName('moderation', model ?? 'default'));
  const judge = baseUrl && { baseUrl, apiKey, model, timeoutMs: config.moderationMs };
  return new ContentModeration({
    meter: new StageMeter(meters, 'moderation'),
    report: log.warn,
    hasBadWords: words?.badWords(),
    judge: judge ? moderationJudge(judge, breaker()) : undefined,
    whenDown: config.moderationDown,
    looksAtAnswers: config.moderateAnswers,
  });
}

function budgetLimits(config: Config) {
  return {
    perParticipant: {
      tokens: config.participantTokensPerDay,
      cost: config.participantCostPerDay,
    },
    perConversation: {
      tokens: config.conversationTokensPerDay,
      cost: config.conversationCostPerDay,
    },
    prices: { input: config.inputPrice, output: config.outputPrice },
    contextTokens: config.contextTokens,
  };
}

async function searched(
  search: ConversationSearch,
  id: ConversationId,
  { question, limit }: { readonly question: string; readonly limit: number },
): Promise<readonly Message[]> {
  const found = await search.search(id, { text: question, mode: 'hybrid', limit });
  return found.ok ? found.value.items.map(({ message }) => message) : [];
}
