/// <reference lib="es2024.string" />
import type { ConversationState } from '../src/domain/conversation.ts';
import type { Chunk, Document } from '../src/domain/document.ts';
import type { LogEvent } from '../src/domain/event.ts';
import type { Author, Member } from '../src/domain/participant.ts';

/**
 * What every backend does to names, keys, and the texts of documents before they are stored or compared: a lone
 * surrogate becomes U+FFFD, as it would on the way into UTF-8, and so does U+0000, which Postgres refuses. The
 * length stays the same. Texts without either, nearly all there are, are returned as they are.
 */
export function wellFormedText(text: string): string {
  return isWellFormed(text) ? text : text.toWellFormed().replaceAll('\0', '\ufffd');
}

export function wellFormedEvent(event: LogEvent): LogEvent {
  const { author, key } = event;
  if (isWellFormed(author.name) && (key === null || isWellFormed(key))) return event;
  return {
    ...event,
    author: wellFormedName(author),
    key: key === null ? null : wellFormedText(key),
  };
}

export function wellFormedName<A extends Author>(author: A): A {
  return isWellFormed(author.name) ? author : { ...author, name: wellFormedText(author.name) };
}

export function wellFormedState({ conversation, members }: ConversationState): ConversationState {
  const { createdKey } = conversation;
  return {
    conversation:
      createdKey === null
        ? conversation
        : { ...conversation, createdKey: wellFormedText(createdKey) },
    members: members.map((member: Member) => wellFormedName(member)),
  };
}

export function wellFormedDocument(document: Document): Document {
  const { title, mediaType, createdKey } = document;
  return {
    ...document,
    title: wellFormedText(title),
    mediaType: wellFormedText(mediaType),
    createdKey: createdKey === null ? null : wellFormedText(createdKey),
  };
}

export function wellFormedChunk(chunk: Chunk): Chunk {
  return isWellFormed(chunk.text) ? chunk : { ...chunk, text: wellFormedText(chunk.text) };
}

/** What a chunk is found by: its text, and the first one of a document by the title, too. */
export function searchedText(title: string, { index, text }: Chunk): string {
  return index === 0 ? `${title}\n${text}` : text;
}

function isWellFormed(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}
