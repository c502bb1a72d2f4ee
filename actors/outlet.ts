import type { LogEvent, Usage } from '../src/domain/event.ts';
import type { CloseReason } from '../src/domain/failure.ts';
import type { ConversationId, Epoch, ParticipantId, TurnId } from '../src/domain/ids.ts';
import type { EndState, TurnCall, TurnError, TurnState } from '../src/domain/turn.ts';

/** One connection, as the actors see it. Nothing in it throws, also after the connection is gone. */
export interface Outlet {
  /** Queues a frame behind those before it; `flush` lets the queue go out in one write. */
  readonly send: (frame: string, seq?: number) => void;
  readonly flush: () => void;
  /** Bytes that the other side has not read yet. */
  readonly bufferedBytes: () => number;
  /** Lets what is queued go out, then closes. */
  readonly close: (reason: CloseReason) => void;
  /** Where one write can reach many connections at once; absent where it can't. */
  readonly topics?: TopicMember;
}

/** A connection's side of a topic: one publish reaches every connection in it, in order, and drops nothing. */
export interface TopicMember {
  readonly enter: (topic: string) => void;
  readonly leave: (topic: string) => void;
  /** Publishes to all in the topic but this connection. */
  readonly publishToOthers: (topic: string, frame: string) => void;
}

export type Publish = (topic: string, frame: string) => void;

/** Where a frame comes from. */
export interface Origin {
  readonly id: ConversationId;
  readonly epoch: Epoch;
  /** What the encoder puts together once for all events of it, where somebody keeps that. */
  readonly stem?: string;
}

/** What is said without a seq: may be missed by who is behind, and is repaired by a snapshot. */
export type Notice =
  | { readonly kind: 'live'; readonly headSeq: number }
  | { readonly kind: 'presence'; readonly participantId: ParticipantId; readonly online: boolean }
  | { readonly kind: 'typing'; readonly participantId: ParticipantId; readonly active: boolean }
  | { readonly kind: 'read'; readonly participantId: ParticipantId; readonly seq: number }
  | {
      readonly kind: 'turn.started';
      readonly turnId: TurnId;
      readonly agent: AgentName;
      readonly triggerSeq: number;
      readonly attempt: number;
    }
  | {
      readonly kind: 'turn.delta';
      readonly turnId: TurnId;
      readonly attempt: number;
      readonly index: number;
      readonly text: string;
    }
  | {
      readonly kind: 'turn.tool_call';
      readonly turnId: TurnId;
      readonly callId: string;
      readonly name: string;
      readonly args: unknown;
      readonly needsApproval: boolean;
    }
  | {
      readonly kind: 'turn.tool_result';
      readonly turnId: TurnId;
      readonly callId: string;
      readonly name: string;
      readonly result?: unknown;
      readonly error?: string;
      readonly durationMs: number;
    }
  | ({ readonly kind: 'turn.snapshot' } & TurnSnapshot)
  | {
      readonly kind: 'turn.ended';
      readonly turnId: TurnId;
      readonly attempt: number;
      readonly state: EndState;
      readonly seq: number | null;
      readonly usage: Usage | null;
      readonly error: TurnError | null;
    };

interface AgentName {
  readonly id: ParticipantId;
  readonly name: string;
}

/** A running turn, all of it so far. */
export interface TurnSnapshot {
  readonly turnId: TurnId;
  readonly attempt: number;
  readonly agent: AgentName;
  readonly triggerSeq: number;
  readonly state: TurnState;
  readonly text: string;
  readonly nextIndex: number;
  /** What it asked of tools so far. */
  readonly calls: readonly TurnCall[];
}

/** Turns what happened into the text of the wire; made outside, so that the actors know no transport. */
export interface Encoder {
  readonly stem: (of: Origin) => string;
  readonly event: (of: Origin, event: LogEvent, withKey: boolean) => string;
  readonly notice: (of: Origin, notice: Notice) => string;
}
