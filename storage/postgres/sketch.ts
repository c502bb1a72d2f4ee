import { Best } from '../nearest.ts';

/**
 * A vector in a quarter of its room: a step in two characters, how far the sketch is from the vector in two, and a
 * character a dimension, the multiple of the step that is nearest to it. All are of ASCII and none is NUL, since the driver
 * gives nothing but text, and bytes as the text of their digits.
 *
 * The inner product of a sketch with a vector of length 1 is off by no more than the length of what the sketch leaves out
 * (Cauchy and Schwarz): so a scan of sketches says for certain which vectors can be among the nearest, and only those are
 * read.
 */
const HEAD_CHARS = 4;
/** Multiples of the step from -63 to 63, in characters from 1 to 127. */
const MOST = 63;
const ZERO = 64;
const DIGITS = 127;
const GREATEST = DIGITS * DIGITS - 1;
/** A number of the head is a power of two by this part of its digits: 0.3 % apart, down to 2^-63. */
const PARTS = 256;
/** For what is lost in floats of 32 bits, here and in the vector. */
const MARGIN = 1e-6;

/** Characters of the sketch of a vector of so many dimensions. */
export function sketchChars(dimensions: number): number {
  return HEAD_CHARS + dimensions;
}

/** The sketch of a vector of length 1 or 0. */
export function sketchOf(vector: Float32Array): Buffer {
  const sketch = Buffer.alloc(sketchChars(vector.length));
  const most = vector.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  const step = putNumber(sketch, 0, most / MOST);
  let missing = 0;
  for (const [at, x] of vector.entries()) {
    const multiple = Math.round(x / step);
    missing += (x - multiple * step) ** 2;
    sketch[HEAD_CHARS + at] = ZERO + multiple;
  }
  putNumber(sketch, 2, Math.sqrt(missing) + MARGIN);
  return sketch;
}

/** The number that is read there: the next one that is not smaller. */
function putNumber(sketch: Buffer, at: number, value: number): number {
  const parts = Math.floor(-Math.log2(value) * PARTS);
  const code = Math.min(GREATEST, Math.max(0, parts));
  sketch[at] = 1 + Math.floor(code / DIGITS);
  sketch[at + 1] = 1 + (code % DIGITS);
  return numberOf(code);
}

function readNumber(sketches: Buffer, at: number): number {
  return numberOf(((sketches[at] ?? 1) - 1) * DIGITS + (sketches[at + 1] ?? 1) - 1);
}

function numberOf(code: number): number {
  return 2 ** (-code / PARTS);
}

/** Where a vector is, and the most that its cosine can be. */
interface Bounded {
  readonly first: number;
  readonly second: number;
  readonly most: number;
}

/** Which of the vectors whose sketches it was offered may be among the nearest `limit` to a vector of length 1. */
export class Sketched {
  readonly #wanted: Float64Array;
  /** What the zero of all characters adds to an inner product. */
  readonly #zero: number;
  /** The best that they are at least. */
  readonly #least: Best<{ readonly score: number }>;
  #possible: Bounded[] = [];
  /** How many of them there may be before those that the bar has passed by are let go. */
  #room = 1_024;

  constructor(wanted: Float32Array, limit: number) {
    this.#wanted = Float64Array.from(wanted);
    this.#zero = ZERO * wanted.reduce((sum, x) => sum + x, 0);
    this.#least = new Best(limit);
  }

  /** Sketches one after the other, and the keys of each. */
  offer(sketches: Buffer, firsts: readonly number[], seconds: readonly number[]): void {
    const chars = sketchChars(this.#wanted.length);
    for (const [at, second] of seconds.entries()) {
      const start = at * chars;
      const score = this.#productWith(sketches, start);
      const slack = readNumber(sketches, start + 2);
      const least = score - slack;
      if (least > this.#least.bar) this.#least.offer({ score: least });
      if (score + slack < this.#least.bar) continue;
      this.#possible.push({ first: firsts[at] ?? 0, second, most: score + slack });
    }
    if (this.#possible.length < this.#room) return;
    this.#possible = this.#possible.filter(({ most }) => most >= this.#least.bar);
    this.#room = Math.max(this.#room, 2 * this.#possible.length);
  }

  /** Those that can be the nearest, the most promising first. */
  get possible(): readonly Bounded[] {
    return this.#possible
      .filter(({ most }) => most >= this.#least.bar)
      .sort((a, b) => b.most - a.most);
  }

  #productWith(sketches: Buffer, start: number): number {
    const wanted = this.#wanted;
    let [first, second, third, fourth] = [0, 0, 0, 0];
    const whole = wanted.length - (wanted.length % 4);
    const from = start + HEAD_CHARS;
    for (let at = 0; at < whole; at += 4) {
      first += (sketches[from + at] ?? 0) * (wanted[at] ?? 0);
      second += (sketches[from + at + 1] ?? 0) * (wanted[at + 1] ?? 0);
      third += (sketches[from + at + 2] ?? 0) * (wanted[at + 2] ?? 0);
      fourth += (sketches[from + at + 3] ?? 0) * (wanted[at + 3] ?? 0);
    }
    for (let at = whole; at < wanted.length; at += 1)
      first += (sketches[from + at] ?? 0) * (wanted[at] ?? 0);
    return readNumber(sketches, start) * (first + second + third + fourth - this.#zero);
  }
}
