import { createHash } from 'node:crypto';
import type { Chunk } from '../domain/document.ts';
import { type Failure, failure } from '../domain/failure.ts';
import { err, ok, type Result } from '../domain/result.ts';
import { htmlText } from './formats/html-text.ts';
import { jsonText } from './formats/json-text.ts';
import { pdfText } from './formats/pdf-text.ts';
import {
  decoded,
  normalText,
  type TextOf,
  tooMuchText,
  unreadable,
} from './formats/text-format.ts';
import { isTextMediaType, type MediaType } from './media-types.ts';
import { type Structure, split } from './split.ts';

/** What was uploaded: the document itself, or (`form`) a JSON object with the document in its field `content`. */
export interface Order {
  readonly bytes: Uint8Array;
  readonly source: MediaType | 'form';
  readonly maxChunks: number;
}

/** A document as text in pieces. */
export interface Reading {
  readonly mediaType: MediaType;
  /** Characters of its text. */
  readonly chars: number;
  readonly chunks: readonly Chunk[];
  /** SHA-256, in hex, of the document as it came in. */
  readonly digest: string;
  /** What a form said besides, as the text of a JSON object: unchecked. */
  readonly fields: string;
}

interface Format {
  readonly textOf: TextOf;
  readonly structure: Structure;
  /** What is said when there is no text in it. */
  readonly ifEmpty?: string;
}

/** A row for each media type. */
const FORMATS: Readonly<Record<MediaType, Format>> = {
  'text/plain': { textOf: decoded, structure: 'plain' },
  'text/markdown': { textOf: decoded, structure: 'markdown' },
  'text/html': { textOf: htmlText, structure: 'plain' },
  'application/json': { textOf: jsonText, structure: 'plain' },
  'application/pdf': {
    textOf: pdfText,
    structure: 'plain',
    ifEmpty: 'There is no text in the PDF; pictures of text are not read.',
  },
};

/** Characters that a chunk is worth when the text's bound is told from theirs. */
const CHARS_A_CHUNK = 1_000;

/** From bytes to text to chunks. All that is costly or dangerous about it happens here: it runs in a thread of its own. */
export async function extract(order: Order): Promise<Result<Reading, Failure>> {
  const found = documentIn(order);
  if (!found.ok) return found;
  const { mediaType, bytes, fields } = found.value;
  const format = FORMATS[mediaType];
  const maxChars = order.maxChunks * CHARS_A_CHUNK;
  const read = await format.textOf(bytes, maxChars);
  if (!read.ok) return read;
  if (read.value.length > maxChars) return tooMuchText(maxChars);
  const text = normalText(read.value);
  const chunks = await split(text, format.structure);
  if (chunks.length === 0) return unreadable(format.ifEmpty ?? 'There is no text in the document.');
  if (chunks.length > order.maxChunks) {
    const message = `The document would have ${chunks.length} chunks; ${order.maxChunks} may be kept.`;
    return err(failure('body_too_large', { message }));
  }
  const digest = createHash('sha256').update(bytes).digest('hex');
  return ok({ mediaType, chars: text.length, chunks, digest, fields });
}

interface Found {
  readonly mediaType: MediaType;
  readonly bytes: Uint8Array;
  readonly fields: string;
}

function documentIn({ bytes, source }: Order): Result<Found, Failure> {
  if (source !== 'form') return ok({ mediaType: source, bytes, fields: '{}' });
  const form = formIn(bytes);
  if (!form.ok) return form;
  const { content, media_type: mediaType = 'text/plain', ...others } = form.value;
  if (!isTextMediaType(mediaType)) return invalid('`media_type`: not one that a field can hold');
  const text = contentOf(content, mediaType);
  if (text === undefined) return invalid('`content`: expected text');
  const fields = fieldsOf(others);
  if (fields === undefined) return invalid('more than a title, metadata and conversations');
  return ok({ mediaType, bytes: new TextEncoder().encode(text), fields });
}

function formIn(bytes: Uint8Array): Result<Record<string, unknown>, Failure> {
  const isEmpty = bytes.byteLength === 0;
  const text = isEmpty ? ok('{}') : decoded(bytes);
  try {
    const form: unknown = text.ok ? JSON.parse(text.value) : undefined;
    if (form === undefined)
      return err(failure('bad_request', { message: 'The body is not JSON in UTF-8.' }));
    const isObject = typeof form === 'object' && form !== null && !Array.isArray(form);
    return isObject ? ok(form as Record<string, unknown>) : invalid('expected an object');
  } catch {
    return err(failure('bad_request', { message: 'The body is not JSON in UTF-8.' }));
  }
}

/** JSON may stand in a form as it is, or as text. */
function contentOf(content: unknown, mediaType: MediaType): string | undefined {
  if (typeof content === 'string') return content;
  const isJson = mediaType === 'application/json' && typeof content === 'object';
  return isJson && content !== null ? textOfJson(content) : undefined;
}

/** Characters of the fields of a form besides its content, as JSON. */
const MAX_FIELDS_CHARS = 32_768;
const FIELDS = ['title', 'metadata', 'conversations'] as const;

function fieldsOf(others: Readonly<Record<string, unknown>>): string | undefined {
  const known = FIELDS.filter((name) => Object.hasOwn(others, name));
  const text = textOfJson(Object.fromEntries(known.map((name) => [name, others[name]])));
  return text === undefined || text.length > MAX_FIELDS_CHARS ? undefined : text;
}

/** Undefined when it is nested deeper than the stack is. */
function textOfJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

function invalid(message: string): { readonly ok: false; readonly failure: Failure } {
  return err(failure('invalid_field', { message }));
}
