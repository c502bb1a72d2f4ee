/// <reference lib="es2024.string" />
import type { ConversationState } from '../src/domain/conversation.ts';
import type { LogEvent } from '../src/domain/event.ts';
import type { Author, Member } from '../src/domain/participant.ts';

/**
 * What every backend does to names and keys before they are stored or compared: a lone surrogate becomes
 * U+FFFD, as it would on the way into UTF-8. Well-formed values, nearly all there are, are returned as they are.
 */
export function wellFormedEvent(event: LogEvent): LogEvent {
  const { author, key } = event;
  if (author.name.isWellFormed() && (key === null || key.isWellFormed())) return event;
  return {
    ...event,
    author: wellFormedName(author),
    key: key === null ? null : key.toWellFormed(),
  };
}

export function wellFormedName<A extends Author>(author: A): A {
  return author.name.isWellFormed() ? author : { ...author, name: author.name.toWellFormed() };
}

export function wellFormedState({ conversation, members }: ConversationState): ConversationState {
  const { createdKey } = conversation;
  return {
    conversation:
      createdKey === null
        ? conversation
        : { ...conversation, createdKey: createdKey.toWellFormed() },
    members: members.map((member: Member) => wellFormedName(member)),
  };
}
