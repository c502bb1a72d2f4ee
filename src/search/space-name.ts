/** Names of spaces: what an embedder needs to be made again from the name of what it made. */
export type NamedEmbedder =
  | { readonly kind: 'hashing'; readonly version: number; readonly dimensions: number }
  | { readonly kind: 'openai'; readonly model: string; readonly dimensions: number };

/** Numbers of a vector: what is compared is worth comparing, and what is stored can be. */
export const EMBEDDING_DIMENSIONS = { least: 16, most: 8_192 } as const;

/** As long as an id may be. */
const MAX_NAME_CHARS = 128;

/** The name; undefined when the model's own is too long for one. Different embedders have different names. */
export function spaceNameOf(named: NamedEmbedder): string | undefined {
  const { dimensions } = named;
  if (named.kind === 'hashing') return `hashing-v${named.version}:${dimensions}`;
  const name = `openai:${escaped(named.model)}:${dimensions}`;
  return name.length <= MAX_NAME_CHARS ? name : undefined;
}

/** What the name says; undefined when it is none of ours. */
export function namedEmbedderOf(name: string): NamedEmbedder | undefined {
  const named = parsed(name);
  const { least, most } = EMBEDDING_DIMENSIONS;
  if (named === undefined || named.dimensions < least || named.dimensions > most) return undefined;
  return spaceNameOf(named) === name ? named : undefined;
}

function parsed(name: string): NamedEmbedder | undefined {
  const [, version, hashed] = /^hashing-v(\d{1,3}):(\d{1,6})$/u.exec(name) ?? [];
  if (version !== undefined)
    return { kind: 'hashing', version: Number(version), dimensions: Number(hashed) };
  const [, model, dimensions] = /^openai:(.+):(\d{1,6})$/u.exec(name) ?? [];
  if (model === undefined) return undefined;
  return { kind: 'openai', model: unescaped(model), dimensions: Number(dimensions) };
}

/** `BAAI/bge-m3` has a character that ids do not; `~2f` stands for it. */
function escaped(model: string): string {
  return model.replace(
    /[^A-Za-z0-9._:-]/gu,
    (character) => `~${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

function unescaped(text: string): string {
  return text.replace(/~([0-9a-f]{2})/gu, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}
