/** What a document may be before it is text. */
export const MEDIA_TYPES = [
  'text/plain',
  'text/markdown',
  'text/html',
  'application/json',
  'application/pdf',
] as const;
export type MediaType = (typeof MEDIA_TYPES)[number];

/** Those that are text themselves, and can stand in a field of a JSON body. */
export type TextMediaType = Exclude<MediaType, 'application/pdf'>;

export function isTextMediaType(text: unknown): text is TextMediaType {
  return text !== 'application/pdf' && MEDIA_TYPES.some((one) => one === text);
}

const CONTENT_TYPE = /^\s*([\w.+-]+\/[\w.+-]+)\s*((?:;[^;]*)*)$/;
const CHARSET = /;\s*charset\s*=\s*"?([\w-]+)"?/i;

/** What a `Content-Type` header names, if it is one of these and in UTF-8. */
export function mediaTypeOf(contentType: string): MediaType | undefined {
  const [, name = '', parameters = ''] = CONTENT_TYPE.exec(contentType) ?? [];
  const [, charset = 'utf-8'] = CHARSET.exec(parameters) ?? [];
  if (!/^(utf-?8|us-ascii)$/i.test(charset)) return undefined;
  return MEDIA_TYPES.find((one) => one === name.toLowerCase());
}
