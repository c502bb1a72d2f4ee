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

/**
 * Which seqs of one conversation have a key of which hash: an open-addressed table, at most two thirds full,
 * 12 to 24 bytes a key. Keys are only added; who has to take one back forgets the index.
 */
export class KeyIndex {
  readonly #hashes: Uint32Array;
  /** 0 is a free slot: seqs begin at 1. */
  readonly #seqs: Float64Array;
  #size = 0;

  constructor(capacity = 16) {
    this.#hashes = new Uint32Array(capacity);
    this.#seqs = new Float64Array(capacity);
  }

  get bytes(): number {
    return 256 + 12 * this.#seqs.length;
  }

  get isFull(): boolean {
    return this.#size * 3 >= this.#seqs.length * 2;
  }

  /** The index with twice the room. */
  grown(): KeyIndex {
    const larger = new KeyIndex(this.#seqs.length * 2);
    for (let slot = 0; slot < this.#seqs.length; slot += 1) {
      const seq = this.#seqs[slot] ?? 0;
      if (seq !== 0) larger.add(this.#hashes[slot] ?? 0, seq);
    }
    return larger;
  }

  /** There must be room: see `isFull`. */
  add(hash: number, seq: number): void {
    const mask = this.#seqs.length - 1;
    let slot = hash & mask;
    while (this.#seqs[slot] !== 0) slot = (slot + 1) & mask;
    this.#hashes[slot] = hash;
    this.#seqs[slot] = seq;
    this.#size += 1;
  }

  /** Whether any seq has this hash: nearly always the right one's, or none. */
  has(hash: number): boolean {
    const mask = this.#seqs.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const seq = this.#seqs[slot];
      if (seq === undefined || seq === 0) return false;
      if (this.#hashes[slot] === hash) return true;
    }
  }

  /** The first seq with this hash that `isIt`, which is asked for nearly nothing but the right one. */
  find(hash: number, isIt: (seq: number) => boolean): number | undefined {
    const mask = this.#seqs.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const seq = this.#seqs[slot];
      if (seq === undefined || seq === 0) return undefined;
      if (this.#hashes[slot] === hash && isIt(seq)) return seq;
    }
  }
}
