/** Hashes sender and key to 1 … 2³² - 1; 0 stands for no key. */
export type KeyHash = (sender: string, key: string) => number;

/** Bytes of the secret that makes a file's hash its own: nobody outside can choose keys that collide. */
const KEY_HASH_SECRET_BYTES = 12;

/** Multiply and shift a character, with a secret start and two secret odd factors. About 1.5 ns a character. */
export function keyHashOf(secret: Uint8Array): KeyHash {
  const words = new DataView(secret.buffer, secret.byteOffset, KEY_HASH_SECRET_BYTES);
  const [start, factor, last] = [
    words.getUint32(0),
    words.getUint32(4) | 1,
    words.getUint32(8) | 1,
  ];
  const mix = (from: number, text: string) => {
    let hash = from;
    for (let at = 0; at < text.length; at += 1) {
      hash = Math.imul(hash ^ text.charCodeAt(at), factor);
      hash ^= hash >>> 15;
    }
    return Math.imul(hash ^ 0x1_0000, last);
  };
  return (sender, key) => {
    const hash = mix(mix(start, sender), key);
    return (hash ^ (hash >>> 16)) >>> 0 || 1;
  };
}

/** Up to so many slots are an array of JavaScript's: smaller than a typed one, and made in a tenth of the time. */
const MAX_SMALL_SLOTS = 128;
const FIRST_SLOTS = 8;
/** What there is of an index beside its slots. */
const SMALL_BYTES = 160;
const TYPED_BYTES = 1_400;
/** A slot holds the low half of a seq; whoever looks tries all that it may be. */
const LOW_HALF = 2 ** 32;

/**
 * Which seqs of one conversation have a key of which hash: an open-addressed table, at most two thirds full,
 * 12 to 24 bytes a key. Keys are only added; who has to take one back forgets the index.
 */
export class KeyIndex {
  /** Hash and seq by turns, signed: V8 keeps a small array of such numbers without boxes. A hash of 0 is a free slot. */
  readonly #slots: number[] | Int32Array;
  readonly #mask: number;
  #size = 0;
  #newest = 0;

  /** With room for so many keys, and for more once it has `grown`. */
  constructor(keys = 0) {
    let slots = FIRST_SLOTS;
    while (isFull(keys - 1, slots - 1)) slots *= 2;
    this.#mask = slots - 1;
    this.#slots =
      slots > MAX_SMALL_SLOTS ? new Int32Array(2 * slots) : new Array<number>(2 * slots).fill(0);
  }

  /** As measured on the heap, with what a map takes to lead here. */
  get bytes(): number {
    const isSmall = this.#mask < MAX_SMALL_SLOTS;
    return isSmall ? SMALL_BYTES + 8 * this.#slots.length : TYPED_BYTES + 4 * this.#slots.length;
  }

  get isFull(): boolean {
    return isFull(this.#size, this.#mask);
  }

  /** The index with twice the room. */
  grown(): KeyIndex {
    const slots = this.#slots;
    const larger = new KeyIndex(this.#size + 1);
    for (let at = 0; at < slots.length; at += 2) {
      const hash = slots[at] ?? 0;
      if (hash !== 0) larger.#put(hash, slots[at + 1] ?? 0);
    }
    larger.#newest = this.#newest;
    return larger;
  }

  /** There must be room: see `isFull`. */
  add(hash: number, seq: number): void {
    this.#put(hash | 0, seq | 0);
    if (seq > this.#newest) this.#newest = seq;
  }

  #put(hash: number, low: number): void {
    const slots = this.#slots;
    let slot = hash & this.#mask;
    while (slots[2 * slot] !== 0) slot = (slot + 1) & this.#mask;
    slots[2 * slot] = hash;
    slots[2 * slot + 1] = low;
    this.#size += 1;
  }

  /** Whether any seq has this hash: nearly always the right one's, or none. */
  has(hash: number): boolean {
    return this.find(hash, isAny) !== undefined;
  }

  /** A seq with this hash that `isIt`, which is asked for nearly nothing but the right one. */
  find(hash: number, isIt: (seq: number) => boolean): number | undefined {
    const slots = this.#slots;
    const wanted = hash | 0;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const found = slots[2 * slot];
      if (found === 0 || found === undefined) return undefined;
      if (found !== wanted) continue;
      const low = (slots[2 * slot + 1] ?? 0) >>> 0;
      for (let seq = low; seq <= this.#newest; seq += LOW_HALF) if (isIt(seq)) return seq;
    }
  }
}

function isFull(size: number, mask: number): boolean {
  return size * 3 >= mask * 2;
}

function isAny(): boolean {
  return true;
}
