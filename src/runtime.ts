import type { ActorParts } from '../actors/actor-parts.ts';
import type { Agent } from '../actors/agent-port.ts';
import { type Clock, systemClock } from '../actors/clock.ts';
import { CommitTick } from '../actors/commit-tick.ts';
import { Registry } from '../actors/registry.ts';
import type { Store } from '../storage/store.ts';
import type { Config } from './config.ts';
import type { AgentSettings } from './domain/conversation.ts';
import { participantId } from './domain/ids.ts';
import type { Edge } from './http/edge.ts';
import { wireEncoder } from './http/encoder.ts';
import { Identity, signingSecret } from './http/identity.ts';
import type { Log } from './observability/log.ts';
import type { Meters } from './observability/meters.ts';

/** Milliseconds that tokens are gathered before they go out as one delta. */
const DELTA_MS = 10;
const SECONDS_A_DAY = 86_400;

/** The agent of a conversation when nothing else was said. */
const AGENT_ID = participantId('assistant');

export interface RuntimeParts {
  readonly config: Config;
  readonly store: Store;
  readonly agent: Agent | undefined;
  readonly log: Log;
  readonly meters: Meters;
  readonly version: string;
  /** Tests bring their own. */
  readonly clock?: Clock;
  readonly tick?: CommitTick;
}

export interface Runtime {
  readonly edge: Edge;
  readonly registry: Registry;
  /** Refuses people, lets turns end for as long as the config says, commits and acknowledges the rest. */
  drain(): Promise<void>;
}

/** Builds the object graph. The store is the caller's to open and to close. */
export async function createRuntime(parts: RuntimeParts): Promise<Runtime> {
  const { config, store, agent, log, meters, clock = systemClock } = parts;
  const topics: Edge['topics'] = { publish: () => {} };
  const registry = new Registry(actorParts(parts, topics));
  const identity = new Identity({
    secret: await secretOf(store),
    allowsGuests: config.guests,
    guestTokenSeconds: config.guestTokenDays * SECONDS_A_DAY,
    now: clock.now,
  });
  const edge: Edge = {
    store,
    registry,
    identity,
    clock,
    log,
    meters,
    topics,
    limits: config,
    defaults: {
      visibility: config.guests ? 'open' : 'invite',
      agent: agent === undefined ? null : defaultAgent(config),
    },
    labels: { store: config.store, agent: agent?.label ?? 'none', version: parts.version },
  };
  await registry.recoverTurns();
  return { edge, registry, drain: () => registry.drain(config.drainMs) };
}

function actorParts(parts: RuntimeParts, topics: Edge['topics']): ActorParts {
  const { config, store, agent, log, meters, clock = systemClock } = parts;
  return {
    store,
    clock,
    tick: parts.tick ?? new CommitTick(),
    encoder: wireEncoder,
    publish: (topic, frame) => topics.publish(topic, frame),
    counters: meters,
    report: log.warn,
    agent,
    limits: {
      mailboxCapacity: config.mailboxCapacity,
      maxParticipants: config.maxParticipants,
      maxQueuedTurns: config.maxQueuedTurns,
      maxLive: config.maxLiveConversations,
      idleMs: config.idleMs,
      outboundBytes: config.outboundBytes,
      slowConsumerMs: config.slowConsumerMs,
      turns: {
        deadlineMs: config.turnDeadlineMs,
        maxAnswerChars: config.maxAnswerChars,
        deltaMs: DELTA_MS,
      },
    },
  };
}

function defaultAgent({ agentName }: Config): AgentSettings {
  return { id: AGENT_ID, name: agentName, speaks: 'auto', whileBusy: 'enqueue' };
}

async function secretOf(store: Store): Promise<Uint8Array> {
  const secret = await signingSecret(store);
  if (!secret.ok) throw new Error('the store does not answer', { cause: secret.failure.cause });
  return secret.value;
}
