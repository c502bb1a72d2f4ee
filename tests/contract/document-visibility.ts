import { describe, expect, test } from 'vitest';
import type { DocumentId } from '../../src/domain/ids.ts';
import {
  added,
  axis,
  byVector,
  byWords,
  embedded,
  everythingSeenBy,
  idOfDocument,
  idsOf,
  SPACE,
  shared,
} from './document-fixtures.ts';
import { ann, appended, author, bob, granted, made, member, message, ONE } from './fixtures.ts';
import type { Subject } from './store.ts';

const eve = author('eve');

export function documentVisibility(subject: Subject): void {
  /** What a participant sees must be the same whichever way it asks. */
  const expectSeen = async (seenBy: typeof ann, names: readonly string[]) => {
    const all: DocumentId[] = idsOf(
      granted(await subject.store.documents.list({ limit: 100 })),
    ) as DocumentId[];
    const ids = names.map(idOfDocument);
    const { read, listed, byWords, byVector } = await everythingSeenBy(
      subject.store,
      seenBy.id,
      all,
    );
    expect(read).toEqual(ids);
    expect(listed).toEqual(ids);
    expect([...byWords].sort()).toEqual(ids.map((id) => `${id}.0`));
    expect([...byVector].sort()).toEqual(ids.map((id) => `${id}.0`));
  };
  const embedAll = async (...names: string[]) => {
    for (const name of names) await embedded(subject.store, idOfDocument(name), [axis(0)]);
  };

  describe('who sees a document', () => {
    test('its owner, and nobody else, by any way', async () => {
      const { store } = subject;
      await added(store, 'anns');
      await added(store, 'bobs', { owner: bob.id });
      await embedAll('anns', 'bobs');
      await expectSeen(ann, ['anns']);
      await expectSeen(bob, ['bobs']);
      await expectSeen(eve, []);
    });

    test('the members of the conversations it is shared with, from joining to leaving', async () => {
      const { store } = subject;
      const id = await made(store, [message(1)]);
      await shared(store, 'a', id);
      await embedAll('a');
      await expectSeen(ann, ['a']);
      await expectSeen(bob, []);
      await appended(store, [message(2)], { effects: [{ kind: 'member', member: member(bob) }] });
      await expectSeen(bob, ['a']);
      const observer = member(bob, 'observer');
      await appended(store, [message(3)], { effects: [{ kind: 'member', member: observer }] });
      await expectSeen(bob, ['a']);
      const gone = { kind: 'member_gone', participantId: bob.id } as const;
      await appended(store, [message(4)], { effects: [gone] });
      await expectSeen(bob, []);
      await appended(store, [message(5)], { effects: [{ ...gone, participantId: ann.id }] });
      await expectSeen(ann, ['a']);
    });

    test('once, though it is shared with several of the conversations one is in', async () => {
      const { store } = subject;
      const members = [member(ann, 'owner'), member(bob)];
      const ids = [
        await made(store, [], { id: 'c_b', members }),
        await made(store, [], { id: 'c_a', members }),
        await made(store, [], { id: 'c_c' }),
      ];
      const given = await added(store, 'a', { conversations: ids });
      await embedAll('a');
      await expectSeen(bob, ['a']);
      const found = granted(await store.documents.read(given.id, bob.id));
      expect(found?.document.conversations).toEqual(ids);
    });

    test('not the members of a conversation that was removed, nor of its next life', async () => {
      const { store } = subject;
      const members = [member(ann, 'owner'), member(bob)];
      const kept = await made(store, [], { id: 'c_kept' });
      await made(store, [], { members });
      await added(store, 'a', { conversations: [ONE, kept] });
      await embedAll('a');
      await expectSeen(bob, ['a']);
      granted(await store.remove(ONE));
      await expectSeen(bob, []);
      await made(store, [], { members, epoch: 'e_second' });
      await expectSeen(bob, []);
      await expectSeen(ann, ['a']);
      const found = granted(await store.documents.read(idOfDocument('a')));
      expect(found?.document.conversations).toEqual([kept]);
      await subject.reopen();
      if (subject.backend.persists) await expectSeen(ann, ['a']);
      await expectSeen(bob, []);
    });

    test('the operator sees all', async () => {
      const { store } = subject;
      await added(store, 'anns');
      await added(store, 'bobs', { owner: bob.id });
      expect(granted(await store.documents.read(idOfDocument('bobs')))).toBeDefined();
      const listed = granted(await store.documents.list({ limit: 100 }));
      expect(idsOf(listed)).toEqual(['d_anns', 'd_bobs']);
    });

    test('what others own does not crowd out what one may see', async () => {
      const { store } = subject;
      const texts = Array.from({ length: 300 }, () => 'text text text');
      await added(store, 'bobs', { owner: bob.id, texts });
      await added(store, 'anns', { texts: ['text and more words', 'text and others'] });
      await embedded(
        store,
        idOfDocument('bobs'),
        texts.map(() => axis(0)),
      );
      await embedded(store, idOfDocument('anns'), [axis(1), axis(2)]);
      for (const limit of [2, 5]) {
        const who = { seenBy: ann.id, limit };
        expect((await byWords(store, 'text', who)).sort()).toEqual(['d_anns.0', 'd_anns.1']);
        expect((await byVector(store, axis(0), who)).sort()).toEqual(['d_anns.0', 'd_anns.1']);
      }
    });
  });

  describe('what is shared with one conversation', () => {
    test('is listed and found alone, as far as one may see it', async () => {
      const { store } = subject;
      const members = [member(ann, 'owner'), member(bob)];
      const one = await made(store, [], { members });
      const two = await made(store, [], { id: 'c_two', members });
      await shared(store, 'one', one);
      await shared(store, 'two', two);
      await shared(store, 'both', one, two);
      await shared(store, 'none');
      await embedAll('one', 'two', 'both', 'none');
      const seen = async (seenBy: typeof ann) => {
        const who = { seenBy: seenBy.id, sharedWith: one, limit: 100 };
        const listed = idsOf(granted(await store.documents.list(who)));
        expect((await byWords(store, 'text', who)).sort()).toEqual(listed.map((id) => `${id}.0`));
        expect((await byVector(store, axis(0), who)).sort()).toEqual(listed.map((id) => `${id}.0`));
        return listed;
      };
      expect(await seen(ann)).toEqual(['d_both', 'd_one']);
      expect(await seen(bob)).toEqual(['d_both', 'd_one']);
      expect(await seen(eve)).toEqual([]);
      const all = granted(await store.documents.list({ sharedWith: one, limit: 100 }));
      expect(idsOf(all)).toEqual(['d_both', 'd_one']);
      const page = { sharedWith: one, afterId: idOfDocument('both'), limit: 1 };
      expect(idsOf(granted(await store.documents.list(page)))).toEqual(['d_one']);
      granted(await store.remove(one));
      expect(await seen(ann)).toEqual([]);
    });

    test('has the spaces of each document with it', async () => {
      const { store } = subject;
      const one = await made(store);
      await shared(store, 'a', one);
      await embedAll('a');
      const [found] = granted(await store.documents.list({ seenBy: ann.id, limit: 1 }));
      expect(found?.spaces).toEqual([SPACE.name]);
    });
  });
}
