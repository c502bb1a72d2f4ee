/**
 * Finds what was said before that bears on a message. Owns which messages count and how they are weighed;
 * the words of the answer are `offline-wording.ts`'s. No clock, no I/O; it gives way to the event loop
 * between slices, so that a long history holds nobody up.
 */
import { setImmediate as nextLoop } from 'node:timers/promises';

import type { ParticipantId } from '../domain/ids.ts';
import type { Message } from '../domain/message.ts';
import { rank } from '../text/bm25.ts';
import { cut, oneLine, shorten } from '../text/plain-text.ts';
import { termsOf } from '../text/terms.ts';

/** Characters read of one message, and of all of them, the newest first. */
const MESSAGE_CHARS = 4_000;
const HISTORY_CHARS = 400_000;
/** Characters between two breaths: about 5 ms of work. */
const SLICE_CHARS = 40_000;
const MAX_QUESTION_TERMS = 64;
const MAX_QUOTES = 3;
const QUOTE_CHARS = 240;

/** A text must have this part of the question's weight to bear on it. */
const MIN_COVERAGE = 0.25;
/** And this part of the best one's score to be quoted beside it. */
const MIN_OF_BEST = 0.45;
/** A question seldom answers a question; somebody who is named in it is asked about. */
const QUESTION_FACTOR = 0.5;
const NAMED_FACTOR = 2;

interface Quote {
  readonly seq: number;
  /** Who said it; one line. */
  readonly name: string;
  /** What was said, or the sentence of it that matters; one line of 240 characters at most. */
  readonly text: string;
}

export interface Recall {
  /** Best first; empty when nothing relevant was found. */
  readonly quotes: readonly Quote[];
  /** How many messages were looked through. */
  readonly searched: number;
}

export interface RecallInput {
  readonly question: string;
  /** The messages before the question, ascending, as they stand now. */
  readonly messages: readonly Message[];
  readonly agentId: ParticipantId;
  readonly agentName: string;
}

interface Text {
  readonly seq: number;
  readonly name: string;
  readonly content: string;
  readonly terms: readonly string[];
}

/** Bounded: 400,000 characters are read, whatever the conversation holds, and less when it is aborted. */
export async function recall(input: RecallInput, signal: AbortSignal): Promise<Recall> {
  const texts = await read(input, signal);
  const asked = new Set(termsOf(cut(input.question, MESSAGE_CHARS)));
  for (const term of termsOf(input.agentName)) asked.delete(term);
  const named = new Set<string>();
  for (const name of new Set(texts.map((text) => text.name)))
    for (const term of termsOf(name)) if (asked.has(term)) named.add(term);

  const subject = new Set(
    [...asked].filter((term) => !named.has(term)).slice(0, MAX_QUESTION_TERMS),
  );
  const found = subject.size > 0 ? bySubject(subject, named, texts) : bySpeaker(named, texts);
  const terms = subject.size > 0 ? subject : named;
  return {
    quotes: found.map(({ seq, name, content }) => ({ seq, name, text: quoteOf(content, terms) })),
    searched: texts.length,
  };
}

/** What others said, the newest first, each text once: the newest of equals. */
async function read(
  { question, messages, agentId }: RecallInput,
  signal: AbortSignal,
): Promise<readonly Text[]> {
  const texts: Text[] = [];
  const seen = new Set([oneLine(cut(question, MESSAGE_CHARS))]);
  let chars = 0;
  let slice = 0;
  for (const { event, body } of messages.toReversed()) {
    if (signal.aborted || chars > HISTORY_CHARS) break;
    if (body.deleted === true || body.content === undefined || event.author.id === agentId)
      continue;
    const content = oneLine(cut(body.content, MESSAGE_CHARS));
    chars += content.length;
    slice += content.length;
    if (seen.has(content)) continue;
    seen.add(content);
    texts.push({
      seq: event.seq,
      name: oneLine(event.author.name),
      content,
      terms: termsOf(content),
    });
    if (slice < SLICE_CHARS) continue;
    slice = 0;
    await nextLoop();
  }
  return texts.reverse();
}

function bySubject(
  subject: ReadonlySet<string>,
  named: ReadonlySet<string>,
  texts: readonly Text[],
): readonly Text[] {
  const ranked = rank(
    subject,
    texts.map((text) => text.terms),
  )
    .filter(({ coverage }) => coverage >= MIN_COVERAGE)
    .flatMap(({ index, score }) => {
      const text = texts[index];
      return text === undefined ? [] : [{ text, score: score * factorOf(text, named) }];
    })
    .sort((a, b) => b.score - a.score || b.text.seq - a.text.seq);
  const best = ranked[0]?.score ?? 0;
  return ranked
    .slice(0, MAX_QUOTES)
    .filter(({ score }) => score >= best * MIN_OF_BEST)
    .map(({ text }) => text);
}

function factorOf(text: Text, named: ReadonlySet<string>): number {
  const asks = /[?？؟]\s*$/u.test(text.content.slice(-8)) ? QUESTION_FACTOR : 1;
  return asks * (isNamed(text, named) ? NAMED_FACTOR : 1);
}

/** "What did Ana say?" asks for the newest of what Ana said. */
function bySpeaker(named: ReadonlySet<string>, texts: readonly Text[]): readonly Text[] {
  return texts
    .filter((text) => isNamed(text, named))
    .slice(-MAX_QUOTES)
    .reverse();
}

function isNamed(text: Text, named: ReadonlySet<string>): boolean {
  return named.size > 0 && termsOf(text.name).some((term) => named.has(term));
}

/** The text when it is short; else the piece of it with the most of the question's words, the first of equals. */
function quoteOf(content: string, terms: ReadonlySet<string>): string {
  if (content.length <= QUOTE_CHARS) return content;
  let best = '';
  let most = -1;
  for (const piece of piecesOf(content)) {
    const having = new Set(termsOf(piece).filter((term) => terms.has(term))).size;
    if (having > most) [best, most] = [piece, having];
  }
  return shorten(best, QUOTE_CHARS);
}

/** Sentences, and long ones in pieces of a quote's length, cut between words where there is a space. */
function* piecesOf(content: string): Generator<string> {
  for (const { segment } of new Intl.Segmenter('en', { granularity: 'sentence' }).segment(
    content,
  )) {
    let rest = segment.trim();
    let isStart = true;
    while (rest !== '') {
      const room = QUOTE_CHARS - 2;
      const space = rest.length > room ? rest.lastIndexOf(' ', room) : -1;
      const piece = space > room / 2 ? rest.slice(0, space) : cut(rest, room);
      rest = rest.slice(piece.length).trim();
      yield `${isStart ? '' : '…'}${piece}${rest === '' ? '' : '…'}`;
      isStart = false;
    }
  }
}
