/**
 * Vectors without a model: the terms of a text and the parts of its words, hashed into a fixed number of dimensions
 * (Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009; signed, so that collisions
 * cancel out on average). It finds the same words, their forms, spelling variants and compounds. It knows no
 * meaning: `car` is no nearer to `automobile` than to anything else.
 *
 * The vector of a text is the same for ever, on every machine: what is stored stays comparable. Whatever changes
 * one (the features, their weights, the terms of src/text/terms.ts) gives the space a new version.
 */
import { setImmediate as nextLoop } from 'node:timers/promises';

import { err, ok } from '../domain/result.ts';
import { cut } from '../text/plain-text.ts';
import { isSpaceless, plainWordsOf, termsOfWord } from '../text/terms.ts';
import type { Embedder } from './embedder.ts';
import { EMBEDDING_DIMENSIONS } from './space-name.ts';

export const HASHING_VERSION = 1;
export const DEFAULT_HASHING_DIMENSIONS = 768;

/** Characters of a text that are read. */
const MAX_CHARS = 20_000;
/** Characters of a word whose parts are looked at: longer ones are no words. */
const MAX_WORD_CHARS = 64;
const MAX_BATCH = 64;
/**
 * It knows the same words as a search by words does, without their rarity: it breaks ties and adds what has the words
 * in other forms. On the project's own documentation, as it grew, up to 0.05 found at least what words alone do, 0.1
 * sometimes less, and 1 always (`npm run bench -- recall`); below 768 dimensions collisions cost a tenth of what
 * vectors alone find.
 */
const RANKING_WEIGHT = 0.03;
/** Texts that share nothing have cosines about 0, with a deviation of one by the root of the dimensions. */
const LEAST_DEVIATIONS = 2.5;
/** Characters between two breaths: about 5 ms of work. */
const SLICE_CHARS = 20_000;

/** Each kind of feature has this part of the vector's length, before all of it is scaled to 1. */
const WEIGHTS = { term: 1, part: 1.2 } as const;
type Kind = keyof typeof WEIGHTS;
/** The same characters are different features in different kinds. */
const SEEDS: Readonly<Record<Kind, number>> = {
  term: 0x9e3779b1,
  part: 0xc2b2ae3d,
};

/** Characters of a part, its word's ends included; a spaceless script says as much in fewer. */
const PARTS = { from: 3, to: 5 } as const;
const SPACELESS_PARTS = { from: 1, to: 3 } as const;

/** How often each feature is there, by its hash. */
type Counts = Readonly<Record<Kind, Map<number, number>>>;

/** The embedder that needs no key and no network. Under a millisecond for 1,000 characters; linear in the text. */
export function hashingEmbedder(dimensions: number = DEFAULT_HASHING_DIMENSIONS): Embedder {
  const { least, most } = EMBEDDING_DIMENSIONS;
  if (!Number.isSafeInteger(dimensions) || dimensions < least || dimensions > most)
    throw new RangeError(`a hashing embedder has ${least} to ${most} dimensions`);
  const name = `hashing-v${HASHING_VERSION}:${dimensions}`;
  return {
    space: { name, dimensions },
    label: name,
    isLocal: true,
    weight: RANKING_WEIGHT,
    leastCosine: LEAST_DEVIATIONS / Math.sqrt(dimensions),
    maxBatch: MAX_BATCH,
    async embed(texts, signal) {
      if (texts.length > MAX_BATCH) throw new RangeError(`${texts.length} texts in one batch`);
      const vectors: Float32Array[] = [];
      let slice = 0;
      for (const text of texts) {
        if (signal?.aborted) return err({ reason: 'embedder_unavailable', cause: signal.reason });
        vectors.push(hashingVector(text, dimensions));
        slice += Math.min(text.length, MAX_CHARS);
        if (slice < SLICE_CHARS) continue;
        slice = 0;
        await nextLoop();
      }
      return ok(vectors);
    },
  };
}

/** The vector of one text, of length 1. The last dimension is that of texts with nothing in them. */
export function hashingVector(text: string, dimensions: number): Float32Array {
  const sums = new Float64Array(dimensions);
  const counts = countsOf(cut(text, MAX_CHARS));
  for (const kind of Object.keys(WEIGHTS) as Kind[]) add(counts[kind], WEIGHTS[kind], sums);
  const length = Math.sqrt(sums.reduce((sum, value) => sum + value * value, 0));
  if (length === 0) sums[dimensions - 1] = 1;
  return Float32Array.from(sums, length === 0 ? undefined : (value) => value / length);
}

function countsOf(text: string): Counts {
  const counts: Counts = { term: new Map(), part: new Map() };
  const words = countEach(plainWordsOf(text));
  for (const [word, count] of words) {
    const terms = termsOfWord(word);
    if (terms.length === 0) continue;
    for (const term of terms) bump(counts.term, hashOf(term, SEEDS.term), count);
    countParts(word, count, counts.part);
  }
  if (counts.term.size > 0) return counts;
  // Nothing but stop words is still about them; nothing but symbols (👍) is still about those.
  const symbols = text.match(/[\p{S}\p{Emoji_Presentation}]/gu) ?? [];
  for (const [what, count] of words.size > 0 ? words : countEach(symbols))
    bump(counts.term, hashOf(what, SEEDS.term), count);
  return counts;
}

function countEach(items: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

/** The parts of a word, with marks at its ends: `cat` has `‹ca`, `cat`, `at›`, `‹cat`, `cat›`, `‹cat›`. */
function countParts(word: string, count: number, into: Map<number, number>): void {
  const isRun = isSpaceless(word);
  const { from, to } = isRun ? SPACELESS_PARTS : PARTS;
  const characters = isRun ? [...word] : ['‹', ...[...word].slice(0, MAX_WORD_CHARS), '›'];
  for (let start = 0; start + from <= characters.length; start++) {
    let hash = SEEDS.part;
    for (let size = 1; size <= to && start + size <= characters.length; size++) {
      hash = step(hash, characters[start + size - 1] ?? '');
      if (size >= from) bump(into, finish(hash), count);
    }
  }
}

function bump(counts: Map<number, number>, feature: number, by: number): void {
  counts.set(feature, (counts.get(feature) ?? 0) + by);
}

/**
 * Adds the features of one kind, each by the logarithm of how often it is there, all of them together of length
 * `weight`: a text of many words has many more parts than words, and they are not worth more for that.
 */
function add(counts: ReadonlyMap<number, number>, weight: number, sums: Float64Array): void {
  let squares = 0;
  for (const count of counts.values()) squares += (1 + Math.log(count)) ** 2;
  const factor = weight / Math.sqrt(squares || 1);
  const room = sums.length - 1;
  for (const [hash, count] of counts) {
    const sign = (hash & 1) === 0 ? 1 : -1;
    // The upper 31 bits choose the dimension, the lowest the sign.
    const dimension = Math.floor(((hash >>> 1) / 2 ** 31) * room);
    sums[dimension] = (sums[dimension] ?? 0) + sign * factor * (1 + Math.log(count));
  }
}

function hashOf(text: string, seed: number): number {
  return finish(step(seed, text));
}

/** FNV-1a over UTF-16 units (Fowler, Noll, Vo), each as one octet would be. */
function step(hash: number, text: string): number {
  let next = hash;
  for (let i = 0; i < text.length; i++) next = Math.imul(next ^ text.charCodeAt(i), 0x01000193);
  return next;
}

/** The finaliser of MurmurHash3 (Appleby): FNV alone leaves the upper bits of short texts alike. */
function finish(hash: number): number {
  let mixed = hash;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
