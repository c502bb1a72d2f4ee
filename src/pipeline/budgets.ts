/**
 * Owns what answers took: it is counted by day for the people who asked and for the conversation, and told in the
 * turn's usage; and whether there is anything left for another one.
 *
 * Invariants:
 * B1. What a turn took is given to the ledger before its answer is given to the log, in one commit where the store
 *     can do that, and also when it has no end; a ledger that does not answer is told again with the next turn.
 * B2. A used-up budget costs an answer, never a message.
 * B3. What was given for an answer that was begun anew counts, too.
 * B4. Who asks whether there is anything left waits for what is on its way to the ledger.
 */
import {
  type Agent,
  type AgentChunk,
  AgentFailure,
  type TurnInput,
} from '../../actors/agent-port.ts';
import type { Ledger } from '../../storage/ledger.ts';
import type { Usage } from '../domain/event.ts';
import { type Failure, failure } from '../domain/failure.ts';
import type { ConversationId, ParticipantId } from '../domain/ids.ts';
import { type Account, dayOf, NOTHING_SPENT, type Spent, startOfDay } from '../domain/spending.ts';
import type { Meters } from '../observability/meters.ts';
import { Tally } from './tally.ts';

/** 0 is no limit. */
export interface BudgetLimits {
  readonly tokens: number;
  /** In the currency of the prices. */
  readonly cost: number;
}

/** Of a million tokens. */
export interface Prices {
  readonly input: number;
  readonly output: number;
}

export interface BudgetParts {
  readonly ledger: Ledger;
  readonly now: () => number;
  /** Writes when the conversations do. */
  readonly soon: (write: () => void) => void;
  readonly meters: Meters;
  readonly report: (event: string, about: Readonly<Record<string, unknown>>) => void;
  readonly perParticipant: BudgetLimits;
  readonly perConversation: BudgetLimits;
  readonly prices: Prices;
  /** Tokens of a prompt at most. */
  readonly contextTokens: number;
}

/** Who asks, and where. */
export interface Asker {
  readonly conversationId: ConversationId;
  readonly askedBy: readonly ParticipantId[];
}

const A_BILLION = 1e9;
/** Days whose spending can be looked at. */
const KEPT_DAYS = 400;
/** Accounts whose spending waits for a ledger that does not answer. */
const MAX_OWED = 10_000;

export class Budgets {
  readonly #parts: BudgetParts;
  #day = 0;
  readonly #owed = new Map<Account, { day: number; spent: Spent }>();
  /** What the ledger was told, and has not answered yet. */
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(parts: BudgetParts) {
    this.#parts = parts;
  }

  /** Why there is no answer today; undefined when there may be one, and when the ledger does not answer. */
  async refuses(asker: Asker): Promise<Failure | undefined> {
    const accounts = accountsOf(asker).filter((account) => isLimited(this.#limitsOf(account)));
    if (accounts.length === 0) return undefined;
    const { ledger, now } = this.#parts;
    await Promise.allSettled(this.#underWay);
    const day = dayOf(now());
    const read = await ledger.spent(day, accounts);
    if (!read.ok) return undefined;
    const used = accounts.find((account, at) => {
      const spent = sum(read.value[at] ?? NOTHING_SPENT, this.#owedOf(account, day));
      return isUsedUp(spent, this.#limitsOf(account));
    });
    if (used === undefined) return undefined;
    const endsAt = startOfDay(day + 1);
    const whose = used.startsWith('conversation:') ? 'this conversation' : 'the one who asks';
    const message = `The budget of ${whose} for today is used up; there is a new one from ${new Date(endsAt).toISOString()}.`;
    return failure('budget_exhausted', { message, retryAfterMs: endsAt - now() });
  }

  get contextTokens(): number {
    return this.#parts.contextTokens;
  }

  /** Usage with what it costs, at these prices or those of the settings. */
  priced(usage: Usage, { input, output }: Prices = this.#parts.prices): Usage {
    if (input === 0 && output === 0) return usage;
    const cost = (usage.input_tokens * input + usage.output_tokens * output) / 1e6;
    return { ...usage, cost: Math.round(cost * A_BILLION) / A_BILLION };
  }

  /** The same as `spend`, for who does not wait. */
  note(asker: Asker, usage: Usage): void {
    const { report } = this.#parts;
    this.spend(asker, usage).catch((cause) => report('spending_not_stored', { ...asker, cause }));
  }

  /** Counts it, priced, for everybody who asked, and for the conversation. Resolves when it is durable, or noted to be told again. */
  async spend(asker: Asker, usage: Usage): Promise<void> {
    const { now, meters, report } = this.#parts;
    const { input_tokens: inputTokens, output_tokens: outputTokens, cost = 0 } = usage;
    if (inputTokens + outputTokens === 0) return;
    meters.tokens.input += inputTokens;
    meters.tokens.output += outputTokens;
    meters.tokens.cost += cost;
    const accounts = accountsOf(asker);
    const spent = { inputTokens, outputTokens, cost: Math.round(cost * A_BILLION) };
    const day = dayOf(now());
    this.#letGo(day);
    const added = await this.#add(day, accounts, spent);
    if (added.ok) return this.#settle();
    report('spending_not_stored', { ...asker, cause: added.failure.cause });
    for (const account of accounts) {
      if (this.#owed.size >= MAX_OWED && !this.#owed.has(account)) continue;
      this.#owed.set(account, { day, spent: sum(this.#owedOf(account, day), spent) });
    }
  }

  async #add(...told: Parameters<Ledger['add']>): ReturnType<Ledger['add']> {
    const { ledger, soon } = this.#parts;
    const adding = new Promise<Awaited<ReturnType<Ledger['add']>>>((resolve, reject) => {
      soon(() => void ledger.add(...told).then(resolve, reject));
    });
    this.#underWay.add(adding);
    try {
      return await adding;
    } finally {
      this.#underWay.delete(adding);
    }
  }

  /** Once a day. What fails is done the next. */
  #letGo(day: number): void {
    if (day === this.#day) return;
    this.#day = day;
    void this.#parts.ledger.trim(day - KEPT_DAYS);
  }

  /** What a ledger that did not answer was not told. */
  async #settle(): Promise<void> {
    for (const [account, { day, spent }] of this.#owed) {
      this.#owed.delete(account);
      const added = await this.#parts.ledger.add(day, [account], spent);
      if (added.ok) continue;
      this.#owed.set(account, { day, spent });
      return;
    }
  }

  #limitsOf(account: Account): BudgetLimits {
    const { perConversation, perParticipant } = this.#parts;
    return account.startsWith('conversation:') ? perConversation : perParticipant;
  }

  #owedOf(account: Account, day: number): Spent {
    const owed = this.#owed.get(account);
    return owed?.day === day ? owed.spent : NOTHING_SPENT;
  }
}

/** An agent that answers while there is something left for it, and whose answers are counted, at its own prices. */
export function budgeted(agent: Agent, budgets: Budgets, prices?: Prices): Agent {
  const priced = (usage: Usage) => budgets.priced(usage, prices);
  const { complete } = agent;
  return {
    ...agent,
    answer: (input, signal) => answer(input, signal, { agent, budgets, priced }),
    ...(complete === undefined
      ? {}
      : {
          complete: async (task, signal) => {
            const { text, usage } = await complete(task, signal);
            return usage === undefined ? { text } : { text, usage: priced(usage) };
          },
        }),
  };
}

interface Counting {
  readonly agent: Agent;
  readonly budgets: Budgets;
  readonly priced: (usage: Usage) => Usage;
}

async function* answer(
  input: TurnInput,
  signal: AbortSignal,
  { agent, budgets, priced }: Counting,
): AsyncGenerator<AgentChunk> {
  const refused = await budgets.refuses(input);
  if (refused !== undefined) {
    const { reason, message, retryAfterMs } = refused;
    throw new AgentFailure(reason, message, { retryAfterMs });
  }
  const tally = new Tally(input, agent.complete === undefined ? 0 : budgets.contextTokens);
  try {
    for await (const chunk of agent.answer(tally.input, signal)) {
      const counted = tally.take(chunk);
      if (counted.type === 'done') {
        const usage = await tally.end();
        if (usage?.estimated) yield { type: 'usage', usage: priced(usage) };
        // Not waited for: it goes into the same commit as the answer, in front of it.
        if (usage !== undefined) budgets.note(input, priced(usage));
        return yield counted;
      }
      yield counted.type === 'usage' ? { ...counted, usage: priced(counted.usage) } : counted;
    }
  } finally {
    // It was left, or failed: what it took until then was given.
    const usage = await tally.end();
    if (usage !== undefined) await budgets.spend(input, priced(usage));
  }
}

function accountsOf({ conversationId, askedBy }: Asker): readonly Account[] {
  return [
    ...new Set(askedBy.map((id): Account => `participant:${id}`)),
    `conversation:${conversationId}` as const,
  ];
}

function isLimited({ tokens, cost }: BudgetLimits): boolean {
  return tokens > 0 || cost > 0;
}

function isUsedUp({ inputTokens, outputTokens, cost }: Spent, limits: BudgetLimits): boolean {
  if (limits.tokens > 0 && inputTokens + outputTokens >= limits.tokens) return true;
  return limits.cost > 0 && cost >= limits.cost * A_BILLION;
}

function sum(one: Spent, other: Spent): Spent {
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    cost: one.cost + other.cost,
  };
}
