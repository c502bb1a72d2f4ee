import type { ClientFrame as CheckedClientFrame } from '../protocol/client-frames.ts';
import type {
  EventFrame as CheckedEventFrame,
  ServerFrame as CheckedServerFrame,
} from '../protocol/server-frames.ts';

/**
 * The frames as a client sees them: inferred from the server's schemas, with the brands of ids taken off,
 * because here an id is whatever text the server or a link gave. Only types come from the schemas; no
 * validation code gets into a bundle.
 */
type Plain<T> = unknown extends T
  ? T
  : T extends string
    ? // A brand is an infinite set of strings like `string` itself; a literal is not.
      Record<never, never> extends Record<T, 1>
      ? string
      : T
    : T extends object
      ? { [K in keyof T]: Plain<T[K]> }
      : T;

export type ClientFrame = Plain<CheckedClientFrame>;
export type ClientFrameOf<T extends ClientFrame['type']> = Extract<ClientFrame, { type: T }>;
export type ServerFrame = Plain<CheckedServerFrame>;
export type ServerFrameOf<T extends ServerFrame['type']> = Extract<ServerFrame, { type: T }>;
/** A durable entry of the conversation's log. */
export type LogEvent = Plain<CheckedEventFrame>;
export type LogEventOf<K extends LogEvent['kind']> = Extract<LogEvent, { kind: K }>;

export type Author = LogEvent['from'];
export type Participant = ServerFrameOf<'joined'>['participants'][number];
export type Role = Participant['role'];
export type Limits = ServerFrameOf<'welcome'>['limits'];

/** A message as REST answers it: the event, with the content as it stands now. */
export type StoredMessage = Omit<LogEventOf<'message'>, 'type'> & { readonly edited_at?: string };

interface AgentInfo {
  readonly id: string;
  readonly name: string;
  readonly speaks: 'auto' | 'always' | 'mention' | 'never';
  readonly while_busy: 'enqueue' | 'reject' | 'interrupt' | 'rollback' | 'debounce';
}

/** A conversation as REST answers it. */
export interface ConversationInfo {
  readonly conversation_id: string;
  readonly epoch: string;
  readonly title: string | null;
  readonly visibility: 'open' | 'invite';
  readonly agent: AgentInfo | null;
  /** Agents beside that one; absent when there are none. */
  readonly agents?: readonly AgentInfo[];
  readonly head_seq: number;
  readonly first_seq: number;
  readonly created_at: string;
  readonly updated_at: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Leave to join a conversation, signed by the server: whoever has it may come. */
export interface Invite {
  readonly invite: string;
  readonly conversation_id: string;
  readonly role: 'member' | 'observer';
  /** Null: any number. */
  readonly max_uses: number | null;
  readonly expires_at: string;
}

/** Frames that await an answer with their `id`. */
type Question = Extract<
  ClientFrame,
  { type: 'join' | 'leave' | 'send' | 'edit' | 'delete' | 'cancel' | 'decide' }
>;
/** A question before it has its id. */
export type Unasked<Q = Question> = Q extends Question ? Omit<Q, 'id'> : never;

/**
 * Reads one text frame. The server is trusted for the shape of a frame, not for its type: a newer server may
 * say things this client does not know, which are for the caller to ignore.
 * `undefined` for what is not a JSON object with a `type`.
 */
export function decodeFrame(text: string): ServerFrame | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isFrame = typeof value === 'object' && value !== null && 'type' in value;
    return isFrame ? (value as ServerFrame) : undefined;
  } catch {
    return undefined;
  }
}
