import type { ConversationActor } from '../../../actors/conversation-actor.ts';
import { type Failure, failure } from '../../domain/failure.ts';
import { isId } from '../../domain/ids.ts';
import { errorFrame } from '../../protocol/encode.ts';

const SEND = '"type":"send"';
const ID = '"id":"';
const CONVERSATION = '"conversation_id":"';
const ERROR = '{"type":"error",';

/**
 * Answers 429 to sends into a full mailbox before they are parsed: a refusal then costs a third, which is what a
 * flood of them leaves to those who are accepted. What is no plain send is parsed as ever.
 */
export class FullMailbox {
  readonly #actor: ConversationActor;
  readonly #to: string;
  readonly #answer: string;

  /** `refused` is what the mailbox said last. */
  constructor(actor: ConversationActor, refused: Failure) {
    this.#actor = actor;
    this.#to = `${CONVERSATION}${actor.id}"`;
    this.#answer = errorFrame(refused, { conversationId: actor.id }).slice(ERROR.length);
  }

  get isFull(): boolean {
    return this.#actor.mailboxDepth >= this.#actor.mailboxCapacity;
  }

  /** The `error` frame, or undefined where the frame is no plain send into this conversation. */
  refusalOf(text: string): string | undefined {
    if (!isPlainSend(text) || !text.includes(this.#to)) return undefined;
    const id = idBehind(text, ID);
    return id === undefined ? undefined : `${ERROR}"id":"${id}",${this.#answer}`;
  }
}

/** The same for a connection that has said more than may wait: 429 `rate_limited`, where it is a plain send. */
export function rateLimited(text: string): string | undefined {
  if (!isPlainSend(text)) return undefined;
  const id = idBehind(text, ID);
  const conversationId = idBehind(text, CONVERSATION);
  if (id === undefined || conversationId === undefined) return undefined;
  return errorFrame(failure('rate_limited'), { id, conversationId });
}

/**
 * Without another object in it, and without spaces between its fields: then what looks like a field is one, for
 * inside of a string each quotation mark has a backslash before it.
 */
function isPlainSend(text: string): boolean {
  return (
    text.startsWith('{') && text.includes(SEND) && !text.includes('{', 1) && text.endsWith('}')
  );
}

function idBehind(text: string, field: string): string | undefined {
  const start = text.indexOf(field) + field.length;
  if (start < field.length) return undefined;
  const id = text.slice(start, text.indexOf('"', start));
  return isId(id) ? id : undefined;
}
