/** Pieces of text that the agents share: streaming in words, and what an answer leaves out. */

/** The text in pieces of one word and the space before it; their concatenation is the text. */
export function wordsOf(text: string): readonly string[] {
  return text.match(/\s*\S+|\s+$/gu) ?? [];
}

/** `text` without the `@mention` it begins with. */
export function withoutMention(text: string): string {
  return text.replace(/^\s*@[\p{L}\p{N}._~:-]+[,:]?\s*/u, '');
}
