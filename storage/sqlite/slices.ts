/** Bytes of vectors that one transaction writes: about 1 ms. */
const SLICE_BYTES = 131_072;

/** How many vectors of so many dimensions one transaction takes. */
export function vectorsThatFit(dimensions: number): number {
  return Math.max(1, Math.floor(SLICE_BYTES / (4 * dimensions)));
}

/** The same vector, in memory of its own: a message carries the whole of what a view looks at. */
export function detached(vector: Float32Array): Float32Array {
  return vector.byteLength === vector.buffer.byteLength ? vector : vector.slice();
}
