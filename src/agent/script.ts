import { cut } from '../text/plain-text.ts';
import { withoutMention, wordsOf } from './text.ts';

/** What a scripted turn does, in order. Counts are tokens. */
export interface Script {
  /** The answer in tokens; their concatenation is the answer. */
  readonly tokens: readonly string[];
  readonly tokensPerSecond: number;
  readonly firstTokenMs: number;
  /** Fails after so many tokens. */
  readonly failAfter: number | undefined;
  /** Says nothing more after so many tokens, until it is aborted. */
  readonly stallAfter: number | undefined;
  /** Ends without `done` after so many tokens, as a model whose connection was cut. */
  readonly cutAfter: number | undefined;
  /** Begins again, once, after so many tokens. */
  readonly restartAfter: number | undefined;
  /** Tools that it calls, one after the other, when it has said its first token. */
  readonly calls: ReadonlyArray<{ readonly name: string; readonly needsApproval: boolean }>;
}

export interface ScriptDefaults {
  readonly tokens: number;
  readonly tokensPerSecond: number;
  readonly firstTokenMs: number;
  readonly maxAnswerChars: number;
}

/** No answer has more tokens than this, whatever the message asks for. */
const MAX_TOKENS = 10_000;
const MAX_MS = 3_600_000;
const MAX_CALLS = 8;
/** Directives stand at the beginning of a message; nothing is read behind this many characters, but for `say:`. */
const READ_CHARS = 2_000;

/**
 * Reads the directives of a message, separated by line ends or `;`:
 * `say: words` (the rest of the line is the answer), `tokens: 50`, `rate: 200` (tokens a second; 0 is all at once),
 * `first: 100` (ms before the first), and `fail`, `stall`, `cut`, `restart`, each with or without `: n`,
 * the number of tokens before it happens (0; at the end when the answer is shorter); `tool: name` and `approve: name`
 * (up to 8) call a tool of that name, which does nothing, the latter with somebody's approval. Anything else is an ordinary message and gets a lorem, which is
 * the same for the same seed. Linear in the message.
 */
export function readScript(content: string, seed: string, defaults: ScriptDefaults): Script {
  const found = new Map<string, number | string>();
  const calls: Array<Script['calls'][number]> = [];
  const text = withoutMention(cut(content, READ_CHARS + defaults.maxAnswerChars));
  for (const line of text.split('\n', 50)) {
    const say = /^\s*say:\s?/u.exec(line);
    if (say !== null) found.set('say', line.slice(say[0].length));
    else for (const part of line.split(';', 20)) readDirective(part, found, calls);
  }
  const number = (name: string) => {
    const value = found.get(name);
    return typeof value === 'number' ? value : undefined;
  };
  const say = found.get('say');
  const count = Math.min(number('tokens') ?? defaults.tokens, MAX_TOKENS);
  const tokens =
    typeof say === 'string'
      ? wordsOf(cut(say, defaults.maxAnswerChars))
      : lorem(seed, count, defaults);
  const after = (name: string) => {
    const value = number(name);
    return value === undefined ? undefined : Math.min(value, tokens.length);
  };
  return {
    tokens,
    tokensPerSecond: number('rate') ?? defaults.tokensPerSecond,
    firstTokenMs: Math.min(number('first') ?? defaults.firstTokenMs, MAX_MS),
    failAfter: after('fail'),
    stallAfter: after('stall'),
    cutAfter: after('cut'),
    restartAfter: after('restart'),
    calls: calls.slice(0, MAX_CALLS),
  };
}

function readDirective(
  part: string,
  found: Map<string, number | string>,
  calls: Array<Script['calls'][number]>,
): void {
  const tool = /^\s*(tool|approve)\s*:\s*(\w{1,64})\s*$/u.exec(part);
  if (tool?.[2] !== undefined) {
    calls.push({ name: tool[2], needsApproval: tool[1] === 'approve' });
    return;
  }
  const match =
    /^\s*(?:(tokens|rate|first)\s*:\s*(\d{1,9})|(fail|stall|cut|restart)(?:\s*:\s*(\d{1,9}))?)\s*$/u.exec(
      part,
    );
  if (match === null) return;
  const name = match[1] ?? match[3];
  if (name !== undefined) found.set(name, Number(match[2] ?? match[4] ?? 0));
}

const WORDS =
  'lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna aliqua'.split(
    ' ',
  );

/** `count` words, fewer when they would be longer than the answer may be; the same for the same seed. */
function lorem(seed: string, count: number, { maxAnswerChars }: ScriptDefaults): readonly string[] {
  const random = mulberry32(fnv1a(seed));
  const tokens: string[] = [];
  let chars = 0;
  for (let i = 0; i < count; i++) {
    const word = WORDS[Math.floor(random() * WORDS.length)] ?? '';
    const token = i === 0 ? word : ` ${word}`;
    chars += token.length;
    if (chars > maxAnswerChars) break;
    tokens.push(token);
  }
  return tokens;
}

/** FNV-1a, 32 bits. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Tommy Ettinger's mulberry32: 32 bits of state, good enough for words. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
