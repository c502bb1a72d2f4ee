import type { LogEvent, MessageBody } from './event.ts';
import { decodeBody, isKind } from './event.ts';

/** A message as it stands now: its event, with the newest edit's content in place of the first. */
export interface Message {
  readonly event: LogEvent & { readonly kind: 'message' };
  readonly body: MessageBody;
  /** Milliseconds since 1970; null when it was never edited, or is deleted. */
  readonly editedAt: number | null;
}

/** `edit` is the newest `message.edited` event of this message, if there is one. */
export function messageOf(event: LogEvent, edit: LogEvent | undefined): Message {
  if (!isKind(event, 'message')) throw new TypeError(`event ${event.seq} is not a message`);
  const body = decodeBody(event);
  if (edit === undefined || body.deleted === true) return { event, body, editedAt: null };
  if (!isKind(edit, 'message.edited')) throw new TypeError(`event ${edit.seq} is not an edit`);
  const { content } = decodeBody(edit);
  return {
    event,
    body: content === undefined ? body : { ...body, content },
    editedAt: edit.createdAt,
  };
}
