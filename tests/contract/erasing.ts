import { describe, expect, test } from 'vitest';
import { redactBody } from '../../src/domain/event.ts';
import type { Store } from '../../storage/store.ts';
import {
  ann,
  appended,
  bob,
  deletion,
  edit,
  event,
  granted,
  headOf,
  keyOf,
  made,
  member,
  message,
  messages,
  ONE,
  wholeLog,
} from './fixtures.ts';
import type { Subject } from './store.ts';

const SECRET = 'the secret';

/** Everything a store says of the conversation, in one text. */
async function everythingIn(store: Store): Promise<string> {
  const answers = [
    granted(await store.load(ONE)),
    await wholeLog(store),
    await wholeLog(store, ONE, 1),
    granted(await store.readMessages(ONE, { limit: 1_000 })),
    granted(await store.readMessages(ONE, { beforeSeq: 1_000, limit: 1_000 })),
    granted(await store.readEvents(ONE, { afterSeq: 0, limit: 1_000, maxChars: 1_000_000 })),
  ];
  return JSON.stringify(answers);
}

export function erasing(subject: Subject): void {
  describe('erasing', () => {
    test('no read gives back the content of an erased message or of its edits', async () => {
      const { store } = subject;
      await made(store, [message(1), message(2, { content: SECRET, key: 'kept' }), message(3)]);
      await appended(store, [edit(4, 2, `${SECRET}, again`)], {
        effects: [{ kind: 'edited', targetSeq: 2, seq: 4 }],
      });
      await appended(store, [edit(5, 2, `${SECRET} at last`), message(6)], {
        effects: [{ kind: 'edited', targetSeq: 2, seq: 5 }],
      });
      expect(await everythingIn(store)).toContain(SECRET);
      await appended(store, [deletion(7, 2)], { effects: [{ kind: 'erased', targetSeq: 2 }] });
      expect(await everythingIn(store)).not.toContain(SECRET);
      await subject.reopen();
      if (subject.backend.persists) expect(await headOf(subject.store)).toBe(7);
      expect(await everythingIn(subject.store)).not.toContain(SECRET);
    });

    test('leaves what the redaction leaves: place, author, time, key, and no edit mark', async () => {
      const { store } = subject;
      const body = { content: SECRET, reply_to: 1, metadata: { also: SECRET } };
      const written = event(2, 'message', { body, key: 'k', from: bob });
      await made(store, [message(1), written]);
      await appended(store, [edit(3, 2, SECRET), deletion(4, 2)], {
        effects: [
          { kind: 'edited', targetSeq: 2, seq: 3 },
          { kind: 'erased', targetSeq: 2 },
        ],
      });
      const redacted = { ...written, body: redactBody('message', written.body) };
      const log = await wholeLog(store);
      expect(log[1]).toEqual(redacted);
      expect(log[2]?.body).toBe('{"target_seq":2,"deleted":true}');
      expect(granted(await store.readMessages(ONE, { afterSeq: 1, limit: 1 }))).toEqual([
        { event: redacted, body: { deleted: true, reply_to: 1 }, editedAt: null },
      ]);
      expect(await keyOf(store, bob.id, 'k')).toBe(2);
    });

    test('erases a message of the same batch', async () => {
      const { store } = subject;
      await made(store);
      await appended(store, [message(1, { content: SECRET }), deletion(2, 1)], {
        effects: [{ kind: 'erased', targetSeq: 1 }],
      });
      expect(await everythingIn(store)).not.toContain(SECRET);
    });

    test('erases a message far back in the log', async () => {
      const { store } = subject;
      await made(store, [message(1, { content: SECRET })]);
      for (let from = 2; from < 600; from += 150) await appended(store, messages(from, from + 149));
      const head = (await headOf(store)) ?? 0;
      await appended(store, [deletion(head + 1, 1)], {
        effects: [{ kind: 'erased', targetSeq: 1 }],
      });
      expect(await everythingIn(store)).not.toContain(SECRET);
    });

    test('a second erasure, or one of something else than a message, changes nothing', async () => {
      const { store } = subject;
      const joined = event(1, 'participant.joined', { body: { participant: member(ann) } });
      await made(store, [joined, message(2)]);
      const erasures = [1, 2, 2, 77].map((targetSeq) => ({ kind: 'erased', targetSeq }) as const);
      await appended(store, [message(3)], { effects: erasures });
      const log = await wholeLog(store);
      expect(log[0]).toEqual(joined);
      expect(log[1]?.body).toBe('{"deleted":true}');
      expect(log[2]).toEqual(message(3));
    });

    test('a read that began before the erasure leaves nothing behind', async () => {
      const { store } = subject;
      await made(store, [message(1, { content: SECRET }), message(2)]);
      granted(await store.load(ONE));
      const reads = [
        store.readEvents(ONE, { afterSeq: 0, limit: 100 }),
        store.readMessages(ONE, { limit: 100 }),
        store.load(ONE),
      ];
      await Promise.all([
        appended(store, [deletion(3, 1)], { effects: [{ kind: 'erased', targetSeq: 1 }] }),
        ...reads,
        store.readEvents(ONE, { afterSeq: 0, limit: 100 }),
      ]);
      expect(await everythingIn(store)).not.toContain(SECRET);
    });
  });
}
