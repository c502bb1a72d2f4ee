import type { ActorLimits } from '../actors/actor-parts.ts';
import type { Agent } from '../actors/agent-port.ts';
import { type Clock, systemClock } from '../actors/clock.ts';
import { CommitTick } from '../actors/commit-tick.ts';
import { Registry } from '../actors/registry.ts';
import { Retention } from '../actors/retention.ts';
import type { Store } from '../storage/store.ts';
import { type Config, envNameOf, printable, SETTING_NAMES } from './config.ts';
import { MeteredIdentity } from './http/authentication.ts';
import type { Edge } from './http/edge.ts';
import { wireEncoder } from './http/encoder.ts';
import { signingSecret } from './http/identity.ts';
import { Library } from './library/library.ts';
import { ServingSpace } from './library/serving-space.ts';
import type { Log } from './observability/log.ts';
import { Meters } from './observability/meters.ts';
import { openAgentsOf, ownSettings, speakersOf } from './open-agents.ts';
import { openPipeline } from './open-pipeline.ts';
import { openStoreOf } from './open-store.ts';
import { openToolsOf } from './open-tools.ts';
import { StageMeter } from './pipeline/stages.ts';
import { Breakers } from './provider/breakers.ts';
import { guarded } from './provider/guard.ts';
import { ConversationSearch } from './search/conversation-search.ts';
import type { Embedders } from './search/embedder.ts';
import { SearchGate } from './search/search-gate.ts';
import { toolPorts } from './tool-ports.ts';
import { VERSION } from './version.ts';

/** Milliseconds that tokens are gathered before they go out as one delta. */
const DELTA_MS = 10;
const SECONDS_A_DAY = 86_400;
/** Milliseconds that a search by vectors may take; then words answer. */
const VECTOR_SEARCH_MS = 5_000;

export interface RuntimeParts {
  readonly config: Config;
  readonly log: Log;
  /** The environment, for keys that the file of agents names. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What tests put in place of what the config says. */
  readonly store?: Store;
  readonly agent?: Agent;
  readonly embedders?: Embedders;
  readonly clock?: Clock;
  readonly tick?: CommitTick;
}

export interface Runtime {
  readonly edge: Edge;
  readonly registry: Registry;
  /** Takes up the turns that an earlier process left unfinished. Once the server listens: it is then the only one here. */
  recoverTurns(): Promise<void>;
  /** Begins to trim what the settings do not keep. */
  startRetention(): void;
  /** Refuses people, lets turns end for as long as the config says, commits and acknowledges the rest. */
  drain(): Promise<void>;
  /** Closes the store. */
  close(): Promise<void>;
}

/** Builds the object graph. Throws `OpenError` or `AgentOptionsError`, each one sentence for the operator. */
export async function createRuntime(parts: RuntimeParts): Promise<Runtime> {
  const { config, log, clock = systemClock, tick = new CommitTick() } = parts;
  const meters = new Meters();
  const breakers = new Breakers();
  meters.breakers = () => breakers.readings();
  const ports = toolPorts({
    library: () => library,
    search: () => search,
    now: clock.now,
    meters,
    log,
  });
  const toolbox = await openToolsOf(config, { ports, breakers });
  const { env = {} } = parts;
  const opened =
    parts.agent === undefined
      ? await openAgentsOf({ config, breakers, toolbox, report: ports.report, env })
      : [{ agent: parts.agent, settings: ownSettings(config), price: undefined }];
  const embedders = parts.embedders ?? (await embeddersOf(config, breakers));
  const store = parts.store ?? (await openStoreOf(config, log, { meters, breakers }));
  const serving = new ServingSpace(store.spaces, embedders);
  const guard = guarded(breakers.named('vector_search'), VECTOR_SEARCH_MS);
  const search = new ConversationSearch({
    store,
    embedder: () => serving.embedder(),
    report: log.warn,
    guard,
  });
  const soon = (write: () => void) => tick.request(write);
  const stages = { config, store, search, meters, breakers, clock, soon, log };
  const pipeline = await openPipeline(stages);
  const agents = opened.map((one) => ({ ...one, agent: pipeline.around(one.agent, one.price) }));
  const [first] = agents;
  const topics: Edge['topics'] = { publish: () => {}, batchSaid: () => {} };
  const registry = new Registry({
    store,
    agent: first?.agent,
    agents: speakersOf(agents),
    runner: store.isShared ? crypto.randomUUID() : undefined,
    clock,
    tick,
    encoder: wireEncoder,
    publish: (topic, frame) => topics.publish(topic, frame),
    batchSaid: () => topics.batchSaid(),
    counters: meters,
    report: log.warn,
    limits: actorLimits(config),
  });
  const retention = new Retention({
    policy: {
      maxAgeMs: config.retentionAge,
      maxEvents: config.retentionEvents,
      sweepMs: config.retentionSweepMs,
    },
    registry,
    store,
    clock,
    log,
    counters: meters,
  });
  const identityOptions = {
    secret: await secretOf(store),
    allowsGuests: config.guests,
    guestTokenSeconds: config.guestTokenDays * SECONDS_A_DAY,
    now: clock.now,
  };
  const identity = new MeteredIdentity(identityOptions, new StageMeter(meters, 'authentication'));
  const library = new Library({
    store,
    embedders,
    guard,
    timing: clock,
    log,
    meters,
    limits: config,
  });
  library.start();
  toolbox.start();
  const edge: Edge = {
    store,
    registry,
    library,
    search,
    searchGates: {
      messages: new SearchGate({ mostAtOnce: 16, mostOfOne: 1 }),
      documents: new SearchGate({ mostAtOnce: 16, mostOfOne: 4 }),
    },
    identity,
    moderation: pipeline.moderation,
    budgets: pipeline.budgets,
    audit: pipeline.audit,
    clock,
    log,
    meters,
    breakers,
    settings: flagsOf(config),
    topics,
    limits: config,
    defaults: {
      visibility: config.guests ? 'open' : 'invite',
      agent: first?.settings ?? null,
      knownAgents: agents.map(({ settings }) => settings),
    },
    labels: {
      store: store.label,
      agent: agents.map(({ agent }) => agent.label).join(', ') || 'none',
      embedder: embedders.configured?.label ?? 'none',
      version: VERSION,
    },
  };
  return {
    edge,
    registry,
    recoverTurns: () => registry.recoverTurns(),
    startRetention: () => retention.start(),
    drain: async () => {
      const atRest = retention.stop();
      await registry.drain(config.drainMs);
      await atRest;
    },
    close: async () => {
      await Promise.all([search.close(), library.close(), pipeline.close(), toolbox.close()]);
      await store.close();
    },
  };
}

async function embeddersOf(config: Config, breakers: Breakers): Promise<Embedders> {
  const { openEmbeddersOf } = await import('./open-embedder.ts');
  return openEmbeddersOf(config, breakers);
}

function actorLimits(config: Config): ActorLimits {
  const { turnDeadlineMs: deadlineMs, maxAnswerChars, approvalMs, debounceMs } = config;
  return {
    mailboxCapacity: config.mailboxCapacity,
    maxParticipants: config.maxParticipants,
    maxQueuedTurns: config.maxQueuedTurns,
    maxLive: config.maxLiveConversations,
    idleMs: config.idleMs,
    outboundBytes: config.outboundBytes,
    slowConsumerMs: config.slowConsumerMs,
    turns: { deadlineMs, maxAnswerChars, deltaMs: DELTA_MS, approvalMs, debounceMs },
    maxHops: config.maxHops,
    maxAgentTurns: config.maxAgentTurns,
    turnLeaseMs: config.turnLeaseMs,
  };
}

/** The settings as an operator knows them. */
function flagsOf(config: Config): Readonly<Record<string, unknown>> {
  const shown = printable(config);
  return Object.fromEntries(SETTING_NAMES.map((name) => [envNameOf(name), shown[name]]));
}

async function secretOf(store: Store): Promise<Uint8Array> {
  const secret = await signingSecret(store);
  if (!secret.ok) throw new Error('the store does not answer', { cause: secret.failure.cause });
  return secret.value;
}
