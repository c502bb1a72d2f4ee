import { describe, expect, test } from 'vitest';
import { messageOf } from '../../src/domain/message.ts';
import {
  ann,
  append,
  appended,
  author,
  granted,
  keyOf,
  made,
  member,
  message,
  ONE,
  refusal,
  state,
  wholeLog,
} from './fixtures.ts';
import type { Subject } from './store.ts';

const HOSTILE: Readonly<Record<string, string>> = {
  'a lone high surrogate': 'a\ud800b',
  'a lone low surrogate': '\udc00',
  'NUL characters': '\0a\0\0b\0',
  'an emoji with joiners': '\u{1f469}\u200d\u{1f469}\u200d\u{1f467}',
  'bidi controls': '\u202eevil\u202c',
  'quotes and SQL': `'); DROP TABLE log; -- "\\"`,
  'line separators': 'a\u2028b\u2029c\r\n\t',
  'ten thousand characters': 'x'.repeat(10_000),
  'ten thousand emojis': '\u{1f600}'.repeat(10_000),
  nothing: '',
};

export function text(subject: Subject): void {
  describe('text', () => {
    test.for(Object.entries(HOSTILE))('content comes back exactly: %s', async ([, content]) => {
      const { store } = subject;
      await made(store, [message(1, { content })]);
      await appended(store, [message(2, { content })]);
      for (const stored of granted(await store.readMessages(ONE, { limit: 5 }))) {
        expect(stored.body.content).toBe(content);
      }
      const log = await wholeLog(store);
      expect(log.map((one) => messageOf(one, undefined).body.content)).toEqual([content, content]);
    });

    test.for(Object.entries(HOSTILE))(
      'keys and names come back well-formed: %s',
      async ([, given]) => {
        const { store } = subject;
        const wellFormed = given.toWellFormed();
        const from = { ...author('eve'), name: given };
        await made(store, [message(1, { key: given, from })], { members: [member(from)] });
        await appended(store, [message(2, { key: `${given}!`, from })], {
          effects: [{ kind: 'member', member: member({ ...ann, name: given }) }],
        });
        const log = await wholeLog(store);
        expect(log.map(({ key }) => key)).toEqual([wellFormed, `${wellFormed}!`]);
        expect(log.map(({ author: { name } }) => name)).toEqual([wellFormed, wellFormed]);
        const members = granted(await store.load(ONE))?.members ?? [];
        expect(members.map(({ name }) => name)).toEqual([wellFormed, wellFormed]);
        expect(await keyOf(store, from.id, given)).toBe(1);
        expect(await keyOf(store, from.id, wellFormed)).toBe(1);
        const again = await append(store, { events: [message(3, { key: wellFormed, from })] });
        expect(refusal(again)).toEqual({ reason: 'keys_taken', taken: [{ index: 0, seq: 1 }] });
      },
    );

    test.for(Object.entries(HOSTILE))('settings come back exactly: %s', async ([, given]) => {
      const { store } = subject;
      const { conversation, members } = state();
      const mine = { ...conversation, title: given, metadata: { [given]: given } };
      granted(await store.create({ conversation: mine, members }, []));
      expect(granted(await store.load(ONE))?.conversation).toEqual(mine);
    });

    test('metadata may use the names of JavaScript itself', async () => {
      const { store } = subject;
      const { conversation, members } = state();
      const metadata = JSON.parse('{"__proto__": {"a": 1}, "constructor": "b", "toString": null}');
      granted(await store.create({ conversation: { ...conversation, metadata }, members }, []));
      const loaded = granted(await store.load(ONE))?.conversation.metadata;
      expect(JSON.stringify(loaded)).toBe(JSON.stringify(metadata));
    });
  });
}
