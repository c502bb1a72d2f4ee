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

/** Up to so many slots are an array of JavaScript's: half the bytes of a typed one, and made in a tenth of the time. */
const MAX_SMALL_SLOTS = 128;
const FIRST_SLOTS = 8;
/** What there is of an index beside its slots. */
const SMALL_BYTES = 160;
const TYPED_BYTES = 1_400;

/**
 * Which seqs of one conversation have a key of which hash: an open-addressed table, at most two thirds full,
 * 24 to 48 bytes a key. Keys are only added; who has to take one back forgets the index.
 */
export class KeyIndex {
  /** Hash and seq by turns. A seq of 0 is a free slot: seqs begin at 1. */
  readonly #slots: number[] | Float64Array;
  readonly #mask: number;
  #size = 0;

  constructor(slots = FIRST_SLOTS) {
    this.#mask = slots - 1;
    this.#slots =
      slots > MAX_SMALL_SLOTS ? new Float64Array(2 * slots) : new Array<number>(2 * slots).fill(0);
  }

  /** As measured on the heap, with what a map takes to lead here. */
  get bytes(): number {
    const aside = this.#mask < MAX_SMALL_SLOTS ? SMALL_BYTES : TYPED_BYTES;
    return aside + 8 * this.#slots.length;
  }

  get isFull(): boolean {
    return this.#size * 3 >= this.#mask * 2;
  }

  /** The index with twice the room. */
  grown(): KeyIndex {
    const slots = this.#slots;
    const larger = new KeyIndex(slots.length);
    for (let at = 0; at < slots.length; at += 2) {
      const seq = slots[at + 1] ?? 0;
      if (seq !== 0) larger.add((slots[at] ?? 0) >>> 0, seq);
    }
    return larger;
  }

  /** There must be room: see `isFull`. */
  add(hash: number, seq: number): void {
    const slots = this.#slots;
    let slot = hash & this.#mask;
    while (slots[2 * slot + 1] !== 0) slot = (slot + 1) & this.#mask;
    // Signed, so that V8 keeps a small array of them without boxes.
    slots[2 * slot] = hash | 0;
    slots[2 * slot + 1] = seq;
    this.#size += 1;
  }

  /** Whether any seq has this hash: nearly always the right one's, or none. */
  has(hash: number): boolean {
    return this.find(hash, isAny) !== undefined;
  }

  /** The first seq with this hash that `isIt`, which is asked for nearly nothing but the right one. */
  find(hash: number, isIt: (seq: number) => boolean): number | undefined {
    const slots = this.#slots;
    const wanted = hash | 0;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const seq = slots[2 * slot + 1];
      if (seq === undefined || seq === 0) return undefined;
      if (slots[2 * slot] === wanted && isIt(seq)) return seq;
    }
  }
}

function isAny(): boolean {
  return true;
}
