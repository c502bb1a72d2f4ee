import { describe, expect, test } from 'vitest';
import type { LogEvent } from '../../src/domain/event.ts';
import { messageOf } from '../../src/domain/message.ts';
import {
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

export const HOSTILE: Readonly<Record<string, string>> = {
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

/** As every store keeps a name or a key. */
export function storable(name: string): string {
  return name.toWellFormed().replaceAll('\0', '\ufffd');
}

export function text(subject: Subject): void {
  describe('text', () => {
    test('content comes back exactly, whatever it is', async () => {
      const { store } = subject;
      const contents = Object.values(HOSTILE);
      const events = contents.map((content, index) => message(index + 1, { content }));
      await made(store, events);
      await appended(store, [message(events.length + 1, { content: '\ud83d' })]);
      const log = await wholeLog(store);
      const inLog = log.map((one) => messageOf(one, undefined).body.content);
      const asMessages = granted(await store.readMessages(ONE, { limit: 99 }));
      expect(inLog).toEqual([...contents, '\ud83d']);
      expect(asMessages.map(({ body }) => body.content)).toEqual(inLog);
    });

    test('keys and names come back well-formed, and are compared so', async () => {
      const { store } = subject;
      const people = Object.values(HOSTILE).map((name, index) => ({ ...author(`${index}`), name }));
      const wellFormed = people.map(({ name }) => storable(name));
      await made(store, [], { members: people.map((one) => member(one)) });
      const events = people.map((from, index) => message(index + 1, { key: from.name, from }));
      await appended(store, events);
      const log = await wholeLog(store);
      expect(log.map(({ key }) => key)).toEqual(wellFormed);
      expect(log.map((one) => one.author.name)).toEqual(wellFormed);
      const members = granted(await store.load(ONE))?.members ?? [];
      expect(members.map(({ name }) => name)).toEqual(wellFormed);
      const again: LogEvent[] = [];
      for (const [index, { id, name }] of people.entries()) {
        const key = storable(name);
        expect(await keyOf(store, id, name)).toBe(index + 1);
        expect(await keyOf(store, id, key)).toBe(index + 1);
        again.push(message(people.length + index + 1, { key, from: author(`${index}`) }));
      }
      expect(refusal(await append(store, { events: again }))).toEqual({
        reason: 'keys_taken',
        taken: people.map((_, index) => ({ index, seq: index + 1 })),
      });
    });

    test('settings come back exactly, whatever is in them', async () => {
      const { store } = subject;
      const { conversation, members } = state();
      const title = Object.values(HOSTILE).join('|');
      const mine = {
        ...conversation,
        title,
        metadata: { ...HOSTILE, [title]: Object.values(HOSTILE) },
      };
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
