/**
 * Markdown of a model, made safe for whoever renders it: HTML in it is text, but for a few tags without attributes;
 * links lead to the web, to mail, or nowhere. Code stays as it is. It comes in pieces, and what they give, put
 * together, is the same wherever it is cut.
 *
 * Held back is what the next piece decides about: a tag, the destination of a link, a piece of inline code that is not
 * closed yet; `MAX_HELD` characters at most.
 */

const MAX_HELD = 2_000;

const SAFE_TAG =
  /^<\/?(?:b|i|em|strong|s|u|mark|sub|sup|kbd|code|pre|br|hr|p|ul|ol|li|blockquote|details|summary|table|thead|tbody|tr|td|th) *\/?>/i;
/** What may still become a safe tag or an address. */
const UNDECIDED_TAG = /^<(?:\/?[a-z]{0,10} *\/?|[^\s<>]*)$/i;
const ADDRESS = /^<(?:https?:\/\/|mailto:)[^\s<>]+>/i;
const TAG_START = /^<[a-z/!?]/i;
/** A link, or where one is defined: `](…`, `]: …`. */
const LINK = /^\](?:\(|:)[ \t]*\n?[ \t]*<?/;
const SAFE_SCHEME = /^(?:https?|mailto|tel|ftp):/i;
/** Up to here a destination is a scheme, or hides one behind escapes. */
const SCHEME = /^[^/?#)\s>]*/;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const FENCE_BEGINNING = /^ {0,3}(?:`*|~*)$/;

/** What a step took of the text, and what it gives for it; undefined when it must see more. */
type Step = { readonly taken: number; readonly given: string } | undefined;

export class SafeMarkdown {
  #held = '';
  #isLineStart = true;
  /** The fence of the block of code that it is in. */
  #fence: string | undefined;

  push(piece: string): string {
    return this.#read(this.#held + piece, false);
  }

  /** What was held back. */
  end(): string {
    return this.#read(this.#held, true);
  }

  #read(text: string, isEnd: boolean): string {
    let given = '';
    let at = 0;
    while (at < text.length) {
      const rest = text.slice(at);
      const step = this.#step(rest, isEnd || rest.length > MAX_HELD);
      if (step === undefined) break;
      given += step.given;
      at += step.taken;
      this.#isLineStart = text[at - 1] === '\n';
    }
    this.#held = text.slice(at);
    return given;
  }

  /** `isAll`: what is there is judged as it is. */
  #step(text: string, isAll: boolean): Step {
    if (this.#fence !== undefined) return this.#inFence(text, this.#fence, isAll);
    if (this.#isLineStart) {
      const [opening, fence] = FENCE.exec(text) ?? [];
      const isOpen = !isAll && (FENCE_BEGINNING.test(text) || opening === text);
      if (isOpen) return undefined;
      if (opening !== undefined && fence !== undefined) {
        this.#fence = fence;
        return same(opening);
      }
    }
    switch (text[0]) {
      case '`':
        return inlineCode(text, isAll);
      case '<':
        return tag(text, isAll);
      case ']':
        return link(text, isAll);
      default:
        return same(/^[^`<\]\n]+|^\n/.exec(text)?.[0] ?? '');
    }
  }

  #inFence(text: string, fence: string, isAll: boolean): Step {
    const end = text.indexOf('\n');
    const line = end === -1 ? text : text.slice(0, end);
    if (this.#isLineStart) {
      if (end === -1 && !isAll && FENCE_BEGINNING.test(line.trimEnd())) return undefined;
      const closing = line.trim();
      const isFence = closing.length >= fence.length && [...closing].every((c) => c === fence[0]);
      if (isFence && FENCE.test(line)) this.#fence = undefined;
    }
    return same(end === -1 ? line : text.slice(0, end + 1));
  }
}

/** Closed by as many backticks in the same paragraph; otherwise they are backticks, and what follows is text. */
function inlineCode(text: string, isAll: boolean): Step {
  const [ticks = ''] = /^`+/.exec(text) ?? [];
  if (ticks === text && !isAll) return undefined;
  const paragraph = /\n[ \t]*\n/.exec(text);
  const inside = text.slice(ticks.length, paragraph?.index ?? text.length);
  for (const { 0: run, index } of inside.matchAll(/`+/g)) {
    const end = index + run.length;
    // More backticks may come.
    if (end === inside.length && paragraph === null && !isAll) return undefined;
    if (run.length === ticks.length) return same(text.slice(0, ticks.length + end));
  }
  return paragraph === null && !isAll ? undefined : same(ticks);
}

function tag(text: string, isAll: boolean): Step {
  const [kept] = SAFE_TAG.exec(text) ?? ADDRESS.exec(text) ?? [];
  if (kept !== undefined) return same(kept);
  if (!isAll && UNDECIDED_TAG.test(text)) return undefined;
  return { taken: 1, given: TAG_START.test(text) ? '&lt;' : '<' };
}

function link(text: string, isAll: boolean): Step {
  const [opening] = LINK.exec(text) ?? [];
  if (opening === undefined) return text === ']' && !isAll ? undefined : same(']');
  const destination = text.slice(opening.length);
  const [scheme = ''] = SCHEME.exec(destination) ?? [];
  if (scheme === destination && !isAll && !SAFE_SCHEME.test(scheme)) return undefined;
  const isPlain = !/[:&\\]/.test(scheme) || SAFE_SCHEME.test(scheme);
  return isPlain ? same(opening) : { taken: opening.length, given: `]\\${opening.slice(1)}` };
}

function same(text: string): Step {
  return { taken: text.length, given: text };
}
