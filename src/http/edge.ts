import type { ActorParts } from '../../actors/actor-parts.ts';
import type { Clock } from '../../actors/clock.ts';
import type { Publish } from '../../actors/outlet.ts';
import type { Registry } from '../../actors/registry.ts';
import type { AgentSettings, Visibility } from '../domain/conversation.ts';
import type { Library } from '../library/library.ts';
import type { BreakerBoard } from '../observability/breaker-reading.ts';
import type { Log } from '../observability/log.ts';
import type { Meters } from '../observability/meters.ts';
import type { Audit } from '../pipeline/audit.ts';
import type { Budgets } from '../pipeline/budgets.ts';
import type { Moderation } from '../pipeline/moderation.ts';
import type { ConversationSearch } from '../search/conversation-search.ts';
import type { SearchGate } from '../search/search-gate.ts';
import type { Identity } from './identity.ts';

/** What every transport is given: the runtime behind it, who people are, and the limits. */
export interface Edge {
  readonly store: ActorParts['store'];
  readonly registry: Registry;
  readonly library: Library;
  /** Of the messages of one conversation. */
  readonly search: ConversationSearch;
  readonly searchGates: { readonly messages: SearchGate; readonly documents: SearchGate };
  readonly identity: Identity;
  readonly moderation: Moderation;
  readonly budgets: Budgets;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly log: Log;
  readonly meters: Meters;
  readonly breakers: BreakerBoard;
  /** The settings in force by the names of their variables, for operators: without secrets. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Where the actors publish, and say when a batch is said; the server puts its topics in. */
  readonly topics: { publish: Publish; batchSaid: () => void };
  readonly limits: EdgeLimits;
  readonly defaults: ConversationDefaults;
  /** A line each for `/health`. */
  readonly labels: {
    readonly store: string;
    readonly agent: string;
    readonly embedder: string;
    readonly version: string;
  };
}

interface EdgeLimits {
  /** A proxy in front says who called it. */
  readonly forwardedFor: boolean;
  readonly maxFrameBytes: number;
  readonly maxBodyBytes: number;
  readonly maxDocumentBytes: number;
  readonly maxMessageChars: number;
  readonly mailboxCapacity: number;
  readonly maxConnections: number;
  readonly maxConversationsPerConnection: number;
  readonly outboundBytes: number;
  readonly heartbeatMs: number;
  readonly helloTimeoutMs: number;
}

/** What a conversation is when nothing else was said. `agent` is null when the server has none. */
interface ConversationDefaults {
  readonly visibility: Visibility;
  readonly agent: AgentSettings | null;
  /** The agents that conversations may choose by id, as they are when nothing else was said. */
  readonly knownAgents: readonly AgentSettings[];
}
