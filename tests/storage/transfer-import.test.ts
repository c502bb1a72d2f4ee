import { describe, expect, test } from 'vitest';
import { exportStore } from '../../src/transfer/export.ts';
import { importStore } from '../../src/transfer/import.ts';
import { linesOf } from '../../src/transfer/lines.ts';
import { MemoryStore } from '../../storage/memory/memory-store.ts';
import type { Store } from '../../storage/store.ts';
import { added } from '../contract/document-fixtures.ts';
import { append, edit, granted, made, messages, refusal, turn } from '../contract/fixtures.ts';
import { ControlledStore } from '../support/controlled-store.ts';
import { bytesOf, exported } from '../support/transfer.ts';
import { until } from '../support/until.ts';

interface Expected {
  readonly line: number;
  readonly message: RegExp;
}

describe('an import', () => {
  const HEADER = '{"format":"colloquy-export","version":1}';
  const END = '{"type":"end","conversations":0,"events":0,"turns":0,"documents":0,"chunks":0}';
  let lines: string[];

  async function sample(): Promise<string[]> {
    const store = new MemoryStore();
    await made(store, [...messages(1, 3), edit(4, 1, 'new')]);
    await append(store, { expectedHead: 4, effects: [{ kind: 'turn', turn: turn('a') }] });
    await added(store, 'a', { texts: ['one', 'two'] });
    return (await exported(store)).split('\n');
  }

  const failing = async (text: string, store: Store = new MemoryStore()) =>
    refusal(await importStore(store, bytesOf(text)));

  test('of nothing is nothing', async () => {
    const store = new MemoryStore();
    expect(await exported(store)).toBe(`${HEADER}\n${END}\n`);
    expect(granted(await importStore(store, bytesOf(`${HEADER}\n${END}`)))).toMatchObject({
      conversations: 0,
    });
  });

  test('goes into an empty store only, and changes nothing in another', async () => {
    const store = new MemoryStore();
    await made(store, messages(1, 3));
    const before = await exported(store);
    expect(await failing(before, store)).toEqual({ reason: 'not_empty' });
    expect(await exported(store)).toBe(before);
    const documents = new MemoryStore();
    await added(documents, 'a');
    expect(await failing(before, documents)).toEqual({ reason: 'not_empty' });
  });

  const change = (at: number, from: string | RegExp, to: string) => () => {
    const line = lines[at] ?? '';
    expect(line).toMatch(from);
    lines[at] = line.replace(from, to);
  };
  const drop = (at: number) => () => {
    lines.splice(at, 1);
  };
  const repeat = (from: number, to: number) => () => {
    lines.splice(to, 0, ...lines.slice(from, to));
  };

  // 0 header, 1 conversation, 2-5 events, 6 turn, 7 document, 8-9 chunks, 10 end.
  test.each<[what: string, Expected, () => void]>([
    [
      'another header',
      { line: 1, message: /^is not the header of an export/ },
      change(0, 'colloquy', 'other'),
    ],
    [
      'a newer version',
      { line: 1, message: /^is the header of another version/ },
      change(0, ':1', ':2'),
    ],
    ['no JSON', { line: 3, message: /^is not JSON$/ }, change(2, '{', '')],
    ['an empty line', { line: 3, message: /^is not JSON$/ }, () => lines.splice(2, 0, '')],
    ['an unknown type', { line: 3, message: /^type: / }, change(2, 'event', 'thing')],
    [
      'an unknown field',
      { line: 3, message: /Unrecognized key/ },
      change(2, '"seq"', '"more":1,"seq"'),
    ],
    [
      'a field of a wrong type',
      { line: 3, message: /^createdAt: / },
      change(2, /"createdAt":\d+/, '"createdAt":"x"'),
    ],
    ['an id that is none', { line: 2, message: /^id: 1 to 128 of/ }, change(1, 'c_one', 'c one')],
    [
      'a body of a wrong kind',
      { line: 6, message: /^body\.target_seq: / },
      change(5, 'target_seq', 'target'),
    ],
    ['a gap', { line: 4, message: /^has seq 3 in the place of 2$/ }, drop(3)],
    ['an event twice', { line: 4, message: /^has seq 1 in the place of 2$/ }, repeat(2, 3)],
    [
      'an event too few',
      { line: 6, message: /^has seq 4, and the conversation ends at 3$/ },
      change(1, '"headSeq":4', '"headSeq":3'),
    ],
    [
      'an event too many',
      { line: 8, message: /^comes where event 5 of 5 of conversation c_one should$/ },
      change(1, '"headSeq":4', '"headSeq":5'),
    ],
    ['an event of none', { line: 2, message: /^is an event without a conversation$/ }, drop(1)],
    [
      'an event after a turn',
      { line: 7, message: /^is an event after a turn/ },
      () => lines.splice(5, 2, lines[6] ?? '', lines[5] ?? ''),
    ],
    [
      'a conversation twice',
      { line: 8, message: /^is conversation c_one a second time$/ },
      repeat(1, 7),
    ],
    ['a chunk of none', { line: 8, message: /^is a chunk without a document/ }, drop(7)],
    ['a gap in chunks', { line: 9, message: /^is chunk 1 in the place of 0$/ }, drop(8)],
    [
      'a chunk too few',
      { line: 10, message: /^comes where chunk 1 of 2 of document d_a should$/ },
      drop(9),
    ],
    [
      'a chunk too many',
      { line: 10, message: /^is more than the document says/ },
      change(7, '"chunkCount":2', '"chunkCount":1'),
    ],
    [
      'a conversation after a document',
      { line: 11, message: /^is a conversation after a document$/ },
      () => lines.splice(10, 0, lines[1] ?? ''),
    ],
    [
      'a wrong count',
      { line: 11, message: /^counts 9 events, and there are 4 before it$/ },
      change(10, '"events":4', '"events":9'),
    ],
    [
      'a line after the end',
      { line: 12, message: /^stands after the `end`$/ },
      () => lines.splice(11, 0, lines[1] ?? ''),
    ],
    [
      'no end',
      { line: 10, message: /^is the last one, and no `end`: the file was cut$/ },
      () => lines.splice(10),
    ],
    [
      'a line that was cut',
      { line: 5, message: /^is not JSON$/ },
      () => lines.splice(4, 7, lines[4]?.slice(0, 20) ?? ''),
    ],
    [
      'nothing at all',
      { line: 1, message: /^is missing: the file is empty$/ },
      () => lines.splice(0),
    ],
    [
      'a key twice',
      { line: 2, message: /key twice: see event 1$/ },
      () => {
        change(2, '"key":null', '"key":"k"')();
        change(4, '"key":null', '"key":"k"')();
      },
    ],
  ])('names the line of %s', async (_, { line, message }, damage) => {
    lines = await sample();
    damage();
    const failure = await failing(lines.join('\n'));
    expect(failure).toMatchObject({ reason: 'bad_line', line });
    expect('message' in failure && failure.message).toMatch(message);
  });

  test('refuses bytes that are no text, and levels without end', async () => {
    lines = await sample();
    const bytes = Buffer.from(lines.join('\n'));
    bytes[bytes.indexOf('message 2')] = 0xff;
    async function* all() {
      yield bytes;
    }
    expect(refusal(await importStore(new MemoryStore(), all()))).toEqual({
      reason: 'bad_line',
      line: 4,
      message: 'is not UTF-8',
    });
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    change(2, '"content"', `"more":${deep},"content"`)();
    expect(await failing(lines.join('\n'))).toMatchObject({ reason: 'bad_line', line: 3 });
  });

  test('refuses a line that is too long, having read no more than it must', async () => {
    let given = 0;
    const endless = async function* () {
      yield Buffer.from('short\n');
      for (; given < 1_000; given += 1) yield Buffer.alloc(10, 'x');
    };
    const found: unknown[] = [];
    for await (const line of linesOf(endless(), 95)) found.push(line);
    expect(found).toEqual([
      { ok: true, value: { number: 1, text: 'short' } },
      { ok: false, failure: { line: 2, message: 'is longer than 95 bytes' } },
    ]);
    expect(given).toBe(9);
  });

  test('says at which conversation the store stopped', async () => {
    lines = await sample();
    const store = new MemoryStore();
    const bytes = async function* () {
      yield Buffer.from(`${lines.slice(0, 2).join('\n')}\n`);
      await store.close();
      yield Buffer.from(lines.slice(2).join('\n'));
    };
    expect(refusal(await importStore(store, bytes()))).toMatchObject({
      reason: 'bad_line',
      line: 2,
      message: expect.stringContaining('could not be written'),
    });
  });
});

describe('a conversation that does not fit into memory', () => {
  const EVENTS = 20_000;
  const long = async () => {
    const store = new ControlledStore();
    await made(store, messages(1, EVENTS));
    return store;
  };
  const turnsOfTheLoop = async (count: number) => {
    for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
  };

  test('is read no faster than it is written', async () => {
    const store = await long();
    let goOn: (() => void) | undefined;
    const write = () =>
      new Promise<void>((resolve) => {
        goOn = resolve;
      });
    let isDone = false;
    const done = exportStore(store, { write }).then(() => {
      isDone = true;
    });
    await turnsOfTheLoop(100);
    expect(store.countOf('readEvents')).toBe(1);
    while (!isDone) {
      goOn?.();
      await turnsOfTheLoop(1);
    }
    await done;
    expect(store.countOf('readEvents')).toBe(EVENTS / 1_000);
  });

  test('is taken in no faster than it is stored', async () => {
    const text = await exported(await long());
    let given = 0;
    const bytes = async function* () {
      for await (const chunk of bytesOf(text)) {
        given += chunk.length;
        yield chunk;
      }
    };
    const store = new ControlledStore();
    store.hold('append');
    const done = importStore(store, bytes());
    await until(() => store.held.length > 0);
    await turnsOfTheLoop(1_000);
    expect(store.countOf('append')).toBe(1);
    expect(given).toBeLessThan(text.length / 10);
    store.letGo();
    expect(granted(await done)).toMatchObject({ conversations: 1, events: EVENTS });
    expect(await exported(store)).toBe(text);
  });

  test('stops where the store stops, and says so', async () => {
    const text = await exported(await long());
    const store = new ControlledStore();
    store.doom('append', 'ok', 'none');
    expect(refusal(await importStore(store, bytesOf(text)))).toMatchObject({
      reason: 'bad_line',
      line: 2,
      message: expect.stringMatching(/c_one, which could not be written: the store is away/),
    });
    expect(store.countOf('append')).toBe(2);
  });
});
