import { exportStore } from '../../src/transfer/export.ts';
import type { Store } from '../../storage/store.ts';
import { granted } from '../contract/fixtures.ts';

/** The whole export of a store, as one text. */
export async function exported(store: Store): Promise<string> {
  const written: string[] = [];
  granted(
    await exportStore(store, {
      write: async (text) => {
        written.push(text);
      },
    }),
  );
  return written.join('');
}

/** A text as a stream, in chunks that share no factor with anything in it. */
export async function* bytesOf(text: string, chunkBytes = 4_099): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}
