import { err, ok, type Result } from '../domain/result.ts';

export interface NumberedLine {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

/** What is wrong with a file, and where. */
export interface LineFailure {
  readonly line: number;
  readonly message: string;
}

const NEWLINE = 0x0a;

/**
 * The lines of a byte stream, read no faster than they are taken; the last one may lack its newline. After a
 * failure (a line of more than `maxBytes`, bytes that are no UTF-8) there is nothing more.
 */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Result<NumberedLine, LineFailure>> {
  let number = 0;
  let parts: Uint8Array[] = [];
  let bytes = 0;
  const take = (part: Uint8Array) => {
    bytes += part.length;
    parts.push(part);
  };
  const finished = (): Result<NumberedLine, LineFailure> => {
    number += 1;
    const text = textOf(parts);
    parts = [];
    bytes = 0;
    return text === undefined
      ? err({ line: number, message: 'is not UTF-8' })
      : ok({ number, text });
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, from);
      take(chunk.subarray(from, end === -1 ? undefined : end));
      if (bytes > maxBytes) {
        yield err({ line: number + 1, message: `is longer than ${maxBytes} bytes` });
        return;
      }
      if (end === -1) break;
      const line = finished();
      yield line;
      if (!line.ok) return;
      from = end + 1;
    }
  }
  if (bytes > 0) yield finished();
}

function textOf(parts: readonly Uint8Array[]): string | undefined {
  try {
    const [only] = parts;
    const whole = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
    return new TextDecoder('utf-8', { fatal: true }).decode(whole);
  } catch {
    return undefined;
  }
}
