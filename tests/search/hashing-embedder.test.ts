import { describe, expect, it } from 'vitest';
import { hashingEmbedder, hashingVector } from '../../src/search/hashing-embedder.ts';
import { cpuMs } from '../support/cpu.ts';

const DIMENSIONS = 768;
const vector = (text: string) => hashingVector(text, DIMENSIONS);

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
}

const nearness = (a: string, b: string) => cosine(vector(a), vector(b));

/** A fingerprint of the bits of a vector. */
async function fingerprint(of: Float32Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(of.buffer));
  return Buffer.from(digest).toString('hex').slice(0, 16);
}

const GOLDEN_TEXTS = [
  'The quick brown fox jumps over the lazy dog.',
  'Résumés & CAFÉS — naïve coöperation, ½ off!',
  '東京タワーはどこですか？ Привет, мир. مرحبا بالعالم',
  'who is it, and where?',
  '👍🏽🎉',
  '',
  'lorem ipsum dolor sit amet '.repeat(2_000),
];

describe('the vector of a text', () => {
  it('is the same for ever: another one needs another version of the space', async () => {
    const prints = await Promise.all(GOLDEN_TEXTS.map((text) => fingerprint(vector(text))));
    expect(hashingEmbedder(DIMENSIONS).space.name).toBe('hashing-v1:768');
    expect(prints).toMatchInlineSnapshot(`
      [
        "9efdd7c15bc7bf66",
        "2c3aa3f184bd417c",
        "2c903cac0a912535",
        "b67e0ae9e154c59c",
        "ec3171f28eeec3df",
        "dd0ea0eae40ca1d9",
        "a7f3bf7d8c045950",
      ]
    `);
    const small = [...hashingVector('The quick brown fox', 16)].map((value) => value.toFixed(6));
    expect(small).toMatchInlineSnapshot(`
      [
        "0.172129",
        "0.344258",
        "0.172129",
        "-0.172129",
        "0.000000",
        "-0.453599",
        "0.453599",
        "0.172129",
        "-0.172129",
        "-0.344258",
        "0.172129",
        "0.344258",
        "-0.234916",
        "0.000000",
        "0.000000",
        "0.000000",
      ]
    `);
  });

  it('has length 1, whatever the text', () => {
    for (const text of [...GOLDEN_TEXTS, '\ud800', ' \n ', '\u0000', 'a'.repeat(100_000)]) {
      const made = vector(text);
      expect(made).toHaveLength(DIMENSIONS);
      expect(cosine(made, made)).toBeCloseTo(1, 5);
    }
  });

  it('is near to that of a text with the same words in other forms, and to no other', () => {
    expect(nearness('resuming a session', 'how sessions are resumed')).toBeGreaterThan(0.5);
    expect(nearness('colour schemes', 'color scheme')).toBeGreaterThan(0.4);
    expect(nearness('authentification', 'authentication')).toBeGreaterThan(0.4);
    expect(nearness('deployment', 'we deployed it')).toBeGreaterThan(0.2);
    expect(nearness('東京タワーに行きたい', '東京タワー')).toBeGreaterThan(0.4);
    const least = hashingEmbedder(DIMENSIONS).leastCosine;
    expect(nearness('resuming a session', 'the weather in Lisbon tomorrow')).toBeLessThan(least);
    expect(nearness('car', 'automobile')).toBeLessThan(least);
  });

  it('of stop words, or of symbols, is still theirs', () => {
    expect(nearness('who is it?', 'is it who')).toBeGreaterThan(0.9);
    expect(nearness('👍', '👍👍')).toBeGreaterThan(0.9);
    expect(Math.abs(nearness('👍', '🎉'))).toBeLessThan(0.5);
  });

  it('of a text with nothing in it is near to none but its like', () => {
    expect(nearness('', ' … ')).toBeCloseTo(1, 5);
    for (const text of ['hello', 'who', '👍']) expect(nearness('', text)).toBe(0);
  });

  it('costs no more than the length of what is read, hostile or not', () => {
    const hostile = ['a', 'ab ', '漢', 'e\u0301', '\u0301', 'ﷺ', '👨‍👩‍👧', '½'].map((piece) =>
      piece.repeat(1_000_000),
    );
    const before = cpuMs();
    for (const text of hostile) vector(text);
    // 20,000 characters of each are read: a tenth of a second in all on a slow machine.
    expect(cpuMs() - before).toBeLessThan(5_000);
  });
});

describe('the hashing embedder', () => {
  it('gives a vector a text, in order, and gives way when it is told to stop', async () => {
    const embedder = hashingEmbedder(64);
    const texts = ['one', 'two', 'three'];
    const embedded = await embedder.embed(texts);
    expect(embedded).toEqual({ ok: true, value: texts.map((text) => hashingVector(text, 64)) });
    const stopped = await embedder.embed(texts, AbortSignal.abort());
    expect(stopped).toMatchObject({ ok: false, failure: { reason: 'embedder_unavailable' } });
  });

  it.each([15, 8_193, 64.5, Number.NaN])('refuses %s dimensions', (dimensions) => {
    expect(() => hashingEmbedder(dimensions)).toThrow(RangeError);
  });
});
