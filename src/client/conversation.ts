import type { AttachmentState } from './attachment.ts';
import type { Draft, Receipt } from './draft.ts';
import type { InviteOptions, PageOptions } from './rest.ts';
import type { TurnView } from './turn-view.ts';
import type {
  ConversationInfo,
  Invite,
  LogEvent,
  Participant,
  Role,
  ServerFrameOf,
  StoredMessage,
} from './wire.ts';

export interface ConversationEvents extends Record<string, unknown> {
  /** The next entry of the log: in order, each once, across reconnects. */
  event: LogEvent;
  /**
   * The log we followed is not there any more (`epoch`: another conversation has this id now; `ahead`: the server
   * lost what we have; `trimmed`): forget what was shown, it comes again from the first event there is.
   */
  reset: ServerFrameOf<'reset'>;
  /** A turn changed: a delta, a tool, its end. */
  turn: TurnView;
  /** Somebody has read so far. */
  read: { readonly participantId: string; readonly seq: number };
  /** Any of the handle's fields is another object now. */
  change: undefined;
}

export interface SendOptions {
  /** The idempotency key; made when not given. The same key is stored once, for ever. */
  readonly key?: string;
  /** The seq of the message it answers. */
  readonly replyTo?: number;
  /** 4 KiB of JSON at most. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface Decision {
  readonly callId: string;
  readonly verdict: 'approve' | 'reject';
  /** The model reads it. */
  readonly reason?: string;
}

/**
 * One conversation, followed through reconnects. Its fields are immutable values that are replaced when they
 * change, so that a view can compare them.
 */
export interface Conversation {
  readonly id: string;
  readonly state: AttachmentState;
  /** The seq of the newest event delivered; undefined until the first join is answered. */
  readonly seq: number | undefined;
  /** The life of the conversation that `seq` belongs to. */
  readonly epoch: string | undefined;
  /** Our own, once joined. */
  readonly role: Role | undefined;
  readonly participants: ReadonlyMap<string, Participant>;
  /** By id; those that ended stay for a while, newest last. */
  readonly turns: ReadonlyMap<string, TurnView>;
  /** Ids of the others who are typing. */
  readonly typing: readonly string[];
  /** What was said here and is not in the log yet, in order. */
  readonly drafts: readonly Draft[];

  on<E extends keyof ConversationEvents & string>(
    name: E,
    listener: (event: ConversationEvents[E]) => void,
  ): () => void;

  /**
   * Says something. It waits for a connection, is sent again after one was lost, and waits as long as the server
   * asks it to, always under one key. The promise is kept when it is durable; it is broken by a refusal that
   * waiting does not help, `discard`, `leave`, or the end of the client.
   */
  send(content: string, options?: SendOptions): Promise<Receipt>;
  /** Replaces the content of a message. As persistent as `send`. */
  edit(seq: number, content: string): Promise<Receipt>;
  /** Takes a message's content out of the log. As persistent as `send`. */
  delete(seq: number): Promise<Receipt>;
  /** Sends a failed draft again under its key, or a refused one now. */
  retry(key: string): void;
  /** Takes a draft back that is not stored yet. */
  discard(key: string): void;

  /** Stops a turn; kept when the server took the request, `turn_over` when there was nothing to stop. */
  cancel(turnId: string): Promise<void>;
  /**
   * Decides about a tool call that waits for approval; kept when the decision is in the log, broken with
   * `already_exists` when somebody was faster, or nobody was in time.
   */
  decide(turnId: string, decision: Decision): Promise<void>;
  /** Says that we type, or stopped; call it for every key. Stops by itself. */
  setTyping(isActive: boolean): void;
  /** Says how far we have read. */
  setRead(seq: number): void;
  /** A page of older or newer messages, as they stand now, oldest first. */
  messages(page: PageOptions): Promise<readonly StoredMessage[]>;
  /** Its title, its agent and the rest of its settings. */
  describe(): Promise<ConversationInfo>;
  /** Leave for others to join; an owner's to give. They join with `invite`. */
  invite(options?: InviteOptions): Promise<Invite>;
  /** Joins again after a refusal that was final. */
  rejoin(): void;
  /** Stops following; membership stays. What was not stored is given up. The handle is of no use afterwards. */
  leave(): void;
}
