import { describe, expect, it } from 'vitest';
import { type Config, readConfig } from '../../src/config.ts';
import { openEmbeddersOf } from '../../src/open-embedder.ts';
import { namedEmbedderOf, spaceNameOf } from '../../src/search/space-name.ts';

function configOf(flags: Readonly<Record<string, string>>): Config {
  const given = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  const read = readConfig({ flags: given, env: {}, readFile: () => undefined });
  if (!read.ok) throw new Error(read.failure.message);
  return read.value.config;
}

const spaceOf = (flags: Readonly<Record<string, string>>) =>
  openEmbeddersOf(configOf(flags)).configured?.space;

const LOCAL = 'http://127.0.0.1:9/v1';

describe('the embedder of the settings', () => {
  it('is the hashing one unless another is asked for, in the dimensions asked for', () => {
    expect(spaceOf({})).toEqual({ name: 'hashing-v1:768', dimensions: 768 });
    expect(spaceOf({ 'embedding-dimensions': '64' })?.name).toBe('hashing-v1:64');
    expect(spaceOf({ embedder: 'none' })).toBeUndefined();
  });

  it('on OpenAI knows the dimensions of the models there; elsewhere they must be said', () => {
    const openai = { embedder: 'openai', 'openai-api-key': 'sk-1' };
    expect(spaceOf(openai)?.name).toBe('openai:text-embedding-3-small:1536');
    const large = { ...openai, 'embedding-model': 'text-embedding-3-large' };
    expect(spaceOf(large)?.dimensions).toBe(3_072);
    const own = { embedder: 'openai', 'embedding-base-url': LOCAL, 'embedding-model': 'bge-m3' };
    expect(() => spaceOf(own)).toThrow(/COLLOQUY_EMBEDDING_DIMENSIONS/u);
    expect(spaceOf({ ...own, 'embedding-dimensions': '1024' })?.name).toBe('openai:bge-m3:1024');
  });

  it('that cannot be is refused, every mistake at once and no key', () => {
    const wrong = {
      embedder: 'openai',
      'embedding-base-url': 'nowhere',
      'embedding-api-key': 'sk two',
      'embedding-model': 'm',
      'embedding-dimensions': '64',
    };
    expect(() => spaceOf(wrong)).toThrow(/base URL.*; the key/u);
    expect(() => spaceOf(wrong)).not.toThrow(/sk two/u);
    expect(() => configOf({ embedder: 'openai' })).toThrow(/COLLOQUY_EMBEDDING_API_KEY/u);
    const endpoint = { embedder: 'openai', 'embedding-base-url': LOCAL };
    expect(() => configOf(endpoint)).toThrow(/COLLOQUY_EMBEDDING_MODEL/u);
  });
});

describe('the embedder of an old space', () => {
  it('can be had when all it needs is still there', () => {
    const { configured, ofSpace } = openEmbeddersOf(configOf({}));
    expect(ofSpace('hashing-v1:768')).toBe(configured);
    expect(ofSpace('hashing-v1:64')?.space).toEqual({ name: 'hashing-v1:64', dimensions: 64 });
    expect(ofSpace('hashing-v1:64')).toBe(ofSpace('hashing-v1:64'));
    for (const name of ['hashing-v2:64', 'hashing-v1:064', 'openai:m:64', 'else', 'hashing-v1:1'])
      expect(ofSpace(name)).toBeUndefined();
  });

  it('on an endpoint needs the endpoint', () => {
    const { ofSpace } = openEmbeddersOf(configOf({ 'openai-api-key': 'sk-1' }));
    expect(ofSpace('openai:a~2fb:64')?.space).toEqual({ name: 'openai:a~2fb:64', dimensions: 64 });
  });

  it('is none when there are to be no vectors', () => {
    const { ofSpace } = openEmbeddersOf(configOf({ embedder: 'none' }));
    expect(ofSpace('hashing-v1:64')).toBeUndefined();
  });
});

describe('the name of a space', () => {
  it.each(['text-embedding-3-small', 'BAAI/bge-m3', 'nomic-embed-text:latest', 'a~2fb', 'x@y:7'])(
    'says which model %s it is of',
    (model) => {
      const named = { kind: 'openai', model, dimensions: 64 } as const;
      const name = spaceNameOf(named) ?? '';
      expect(name).toMatch(/^[A-Za-z0-9._~:-]{1,128}$/);
      expect(namedEmbedderOf(name)).toEqual(named);
    },
  );

  it('is there only for models whose own is not too long', () => {
    const model = 'm'.repeat(130);
    expect(spaceNameOf({ kind: 'openai', model, dimensions: 64 })).toBeUndefined();
  });
});
