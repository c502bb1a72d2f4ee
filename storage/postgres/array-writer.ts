/** What an array holds: the number that Postgres has for the type. */
const OIDS = { text: 25, int4: 23, int8: 20 } as const;
const HEADER_BYTES = 20;
const NULL_LENGTH = -1;
const START_BYTES = 1_024;
/** What is kept from one array to the next; a larger one was an exception. */
const KEPT_BYTES = 1_048_576;
const TWO_TO_32 = 4_294_967_296;

/**
 * Writes an array in Postgres' binary form, into memory that is used again: half the cost of the text form, here and
 * there. The form is that of `array_send`: dimensions, whether there are nulls, type, length, lower bound, then each
 * element's length and bytes.
 */
export class ArrayWriter {
  readonly #oid: number;
  #bytes = Buffer.allocUnsafe(START_BYTES);
  #end = HEADER_BYTES;
  #length = 0;
  #hasNull = 0;

  constructor(type: keyof typeof OIDS) {
    this.#oid = OIDS[type];
  }

  text(value: string | null): void {
    this.#length += 1;
    if (value === null) {
      this.#room(4);
      this.#end = this.#bytes.writeInt32BE(NULL_LENGTH, this.#end);
      this.#hasNull = 1;
      return;
    }
    // A character of a string is three bytes of UTF-8 at most.
    this.#room(4 + value.length * 3);
    const length = this.#bytes.write(value, this.#end + 4, 'utf8');
    this.#bytes.writeInt32BE(length, this.#end);
    this.#end += 4 + length;
  }

  int4(value: number): void {
    this.#length += 1;
    this.#room(8);
    this.#end = this.#bytes.writeInt32BE(4, this.#end);
    this.#end = this.#bytes.writeInt32BE(value, this.#end);
  }

  int8(value: number): void {
    this.#length += 1;
    this.#room(12);
    const high = Math.floor(value / TWO_TO_32);
    this.#end = this.#bytes.writeInt32BE(8, this.#end);
    this.#end = this.#bytes.writeInt32BE(high, this.#end);
    this.#end = this.#bytes.writeUInt32BE(value - high * TWO_TO_32, this.#end);
  }

  /** The array; the next one may be written once these bytes were sent. */
  take(): Buffer {
    const bytes = this.#bytes;
    bytes.writeInt32BE(1, 0);
    bytes.writeInt32BE(this.#hasNull, 4);
    bytes.writeInt32BE(this.#oid, 8);
    bytes.writeInt32BE(this.#length, 12);
    bytes.writeInt32BE(1, 16);
    const taken = bytes.subarray(0, this.#end);
    if (bytes.length > KEPT_BYTES) this.#bytes = Buffer.allocUnsafe(START_BYTES);
    this.#end = HEADER_BYTES;
    this.#length = 0;
    this.#hasNull = 0;
    return taken;
  }

  #room(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#end + bytes, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}
