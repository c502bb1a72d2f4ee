import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readAgentsFile } from '../../src/agent/agents-file.ts';

const EXAMPLE = new URL('../../docs/examples/agents.yaml', import.meta.url);

async function mistakesIn(text: string): Promise<readonly string[]> {
  const read = await readAgentsFile(text);
  return read.ok ? [] : read.failure;
}

const file = (...agents: object[]) => JSON.stringify({ agents });
const agent = { id: 'a', name: 'A', model: 'offline' };

describe('the file of agents', () => {
  test('its example has no mistake', async () => {
    const read = await readAgentsFile(readFileSync(EXAMPLE, 'utf8'));
    expect(read.ok && read.value.map(({ id, speaks }) => [id, speaks])).toEqual([
      ['assistant', 'auto'],
      ['critic', 'mention'],
      ['librarian', 'mention'],
    ]);
  });

  test('is the same in YAML and in JSON', async () => {
    const yaml = 'agents:\n  - id: a\n    name: A\n    model: offline\n';
    expect(await readAgentsFile(yaml)).toEqual(await readAgentsFile(file(agent)));
  });

  test('tells every mistake at once, and where', async () => {
    const wrong = { ...agent, id: 'a b', modle: 'x', speaks: 'loud', price: { input: -1 } };
    const told = await mistakesIn(file(agent, wrong, { id: 'b' }));
    for (const place of [
      'agents.1.id: 1 to 128',
      'agents.1.speaks: ',
      'agents.1.price.input: ',
      'agents.1.price.output: ',
      'agents.1: Unrecognized key: "modle"',
      'agents.2.name: ',
      'agents.2.model: ',
    ]) {
      expect(told.some((mistake) => mistake.startsWith(place))).toBe(true);
    }
  });

  test.each([
    ['agents: [\n - {id', /at line \d+, column \d+/],
    [file(), /agents: /],
    [file(agent, agent), /^`a` is there twice$/],
    ['agents: &a [*a]', /./],
    [`# ${'x'.repeat(2 ** 20)}`, /larger than/],
    ['', /./],
  ])('%j is refused', async (text, words) => {
    const told = await mistakesIn(text);
    expect(told.length).toBeGreaterThan(0);
    expect(told[0]).toMatch(words);
  });

  test('what refers to itself a billion times takes no time', async () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let at = 1; at < 12; at += 1) {
      const refs = Array.from({ length: 9 }, () => `*a${at - 1}`).join(', ');
      lines.push(`a${at}: &a${at} [${refs}]`);
    }
    expect(await mistakesIn(lines.join('\n'))).toEqual(['refers to itself too often']);
  });
});
