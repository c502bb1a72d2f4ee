/// <reference lib="es2024.string" />

import type { Failure } from '../../domain/failure.ts';
import { failure } from '../../domain/failure.ts';
import { err, ok, type Result } from '../../domain/result.ts';

/** Why a document could not be read: the caller's to know. */
export type Unreadable = Failure;

/** What one format is to text: bytes in, text of `maxChars` at most out. Runs in the extraction thread. */
export type TextOf = (
  bytes: Uint8Array,
  maxChars: number,
) => Result<string, Unreadable> | Promise<Result<string, Unreadable>>;

export function unreadable(message: string): { readonly ok: false; readonly failure: Unreadable } {
  return err(failure('document_unreadable', { message }));
}

export function tooMuchText(maxChars: number): {
  readonly ok: false;
  readonly failure: Unreadable;
} {
  const message = `The document has more text than may be kept: ${maxChars} characters.`;
  return err(failure('body_too_large', { message }));
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Text in UTF-8 as it is, a byte order mark at its start gone. */
export function decoded(bytes: Uint8Array): Result<string, Unreadable> {
  try {
    return ok(utf8.decode(bytes));
  } catch {
    return err(failure('bad_request', { message: 'The document is not text in UTF-8.' }));
  }
}

/**
 * The text whose characters the offsets of chunks count: lines end in \n, U+0000 is gone (no Postgres keeps it), and
 * half a surrogate pair is U+FFFD (no UTF-8 holds it). Nothing else changes, so that offsets are those of the file
 * people have; composed and decomposed letters are one at search (src/text/terms.ts).
 */
export function normalText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '').replace(/\r\n?/g, '\n');
}
