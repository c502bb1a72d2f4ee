import type { Chunk, Document } from '../../domain/document.ts';
import type { ConversationId, ParticipantId } from '../../domain/ids.ts';
import type { Message } from '../../domain/message.ts';
import type { Result } from '../../domain/result.ts';
import type { RanHow } from './tool.ts';

/** What the tools of an agent need of the process around them; `runtime.ts` gives it. */
export interface ToolPorts {
  /** The best chunks among the documents that every one of `seenBy` may see; none when that is nobody. */
  readonly searchDocuments: (
    query: DocumentSearch,
  ) => Promise<Result<readonly FoundChunk[], Trouble>>;
  /** The best messages of one conversation, as they stand now. */
  readonly searchConversation: (
    query: MessageSearch,
  ) => Promise<Result<readonly FoundMessage[], Trouble>>;
  /** A call of a tool ended. */
  readonly onRan: (tool: string, how: RanHow, tookMs: number) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** A line for the operator's log: an event name and what it is about, no secret. */
  readonly report: (event: string, about: Readonly<Record<string, unknown>>) => void;
}

/** Why there is no answer; for the log only. */
export interface Trouble {
  readonly cause?: unknown;
}

interface DocumentSearch {
  readonly seenBy: readonly ParticipantId[];
  readonly text: string;
  readonly limit: number;
}

export interface FoundChunk {
  readonly document: Document;
  readonly chunk: Chunk;
  /** More is better; comparable within one answer. */
  readonly score: number;
}

interface MessageSearch {
  readonly conversationId: ConversationId;
  readonly text: string;
  readonly limit: number;
}

interface FoundMessage {
  readonly message: Message;
  readonly score: number;
}
