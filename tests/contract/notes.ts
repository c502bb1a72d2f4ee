import { describe, expect, test } from 'vitest';
import type { AuditEntry } from '../../src/domain/audit.ts';
import { conversationId, participantId } from '../../src/domain/ids.ts';
import type { Account } from '../../src/domain/spending.ts';
import { granted, NOW } from './fixtures.ts';
import type { Subject } from './store.ts';

const ANN: Account = `participant:${participantId('p_ann')}`;
const ROOM: Account = `conversation:${conversationId('c_one')}`;

function entry(at: number, more: Partial<AuditEntry> = {}): AuditEntry {
  return {
    at: NOW + at,
    action: 'message.deleted',
    outcome: 'ok',
    participantId: participantId('p_ann'),
    from: '::1',
    conversationId: conversationId('c_one'),
    target: String(at),
    ...more,
  };
}

export function notes(subject: Subject): void {
  const page = async (query: Parameters<Subject['store']['audit']['page']>[0]) =>
    granted(await subject.store.audit.page(query));
  const targets = async (query: Parameters<Subject['store']['audit']['page']>[0]) =>
    (await page(query)).map(({ target }) => target);

  describe('the audit log', () => {
    test('entries come back as they were given, the newest first, of one moment the last first', async () => {
      const { audit } = subject.store;
      const nobody = { participantId: null, conversationId: null, from: null, target: null };
      granted(await audit.add([entry(1), entry(3), entry(2), entry(3, { target: 'twin' })]));
      granted(await audit.add([entry(4, { ...nobody, outcome: 'bad_token' })]));
      expect(await targets({ limit: 9 })).toEqual([null, 'twin', '3', '2', '1']);
      const [newest, ...others] = await page({ limit: 9 });
      expect(newest).toMatchObject(entry(4, { ...nobody, outcome: 'bad_token' }));
      expect(others.at(-1)).toEqual({ ...entry(1), place: expect.any(Number) });
    });

    test('a page goes on behind an entry, through all of them once', async () => {
      const { audit } = subject.store;
      granted(await audit.add([1, 1, 2, 2, 2, 3, 1].map((at, n) => entry(at, { target: `${n}` }))));
      const seen: (string | null)[] = [];
      let after: { at: number; place: number } | undefined;
      for (;;) {
        const some = await page({ limit: 2, ...(after && { after }) });
        if (some.length === 0) break;
        seen.push(...some.map(({ target }) => target));
        after = some.at(-1);
      }
      expect(seen).toEqual(['5', '4', '3', '2', '6', '1', '0']);
    });

    test('filters hold together: action, participant, conversation and time', async () => {
      const { audit } = subject.store;
      const bob = participantId('p_bob');
      const other = conversationId('c_other');
      granted(
        await audit.add([
          entry(1),
          entry(2, { action: 'message.edited' }),
          entry(3, { participantId: bob }),
          entry(4, { conversationId: other }),
          entry(5, { participantId: bob, conversationId: other }),
        ]),
      );
      expect(await targets({ limit: 9, action: 'message.edited' })).toEqual(['2']);
      expect(await targets({ limit: 9, participantId: bob })).toEqual(['5', '3']);
      expect(await targets({ limit: 9, conversationId: other })).toEqual(['5', '4']);
      expect(await targets({ limit: 9, since: NOW + 2, until: NOW + 4 })).toEqual(['3', '2']);
      const all = { participantId: bob, conversationId: other, since: NOW, until: NOW + 9 };
      expect(await targets({ limit: 9, action: 'message.deleted', ...all })).toEqual(['5']);
    });

    test('the oldest are let go, so many at a time; what is left keeps its place', async () => {
      const { audit } = subject.store;
      granted(await audit.add([3, 1, 2, 4].map((at) => entry(at))));
      const before = await page({ limit: 1 });
      expect(granted(await audit.trim(NOW + 4, 2))).toBe(2);
      expect(await targets({ limit: 9 })).toEqual(['4', '3']);
      expect(granted(await audit.trim(NOW + 4, 2))).toBe(1);
      expect(granted(await audit.trim(NOW + 4, 2))).toBe(0);
      expect(await page({ limit: 9 })).toEqual(before);
    });

    test('entries outlast the conversation, and the process where the store does', async () => {
      granted(await subject.store.audit.add([entry(1)]));
      granted(await subject.store.remove(conversationId('c_one')));
      expect(await targets({ limit: 9 })).toEqual(['1']);
      if (!subject.backend.persists) return;
      await subject.reopen();
      expect(await targets({ limit: 9 })).toEqual(['1']);
    });
  });

  describe('the ledger', () => {
    const spent = (inputTokens: number, outputTokens = 0, cost = 0) => ({
      inputTokens,
      outputTokens,
      cost,
    });

    test('adds up by day and account, also what comes at once', async () => {
      const { ledger } = subject.store;
      await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          ledger.add(100, n % 2 === 0 ? [ANN, ROOM] : [ROOM, ANN], spent(3, 2, 2_000_000_000)),
        ),
      );
      granted(await ledger.add(101, [ANN], spent(1)));
      expect(granted(await ledger.spent(100, [ANN, ROOM, 'participant:p_x' as Account]))).toEqual([
        spent(60, 40, 40_000_000_000),
        spent(60, 40, 40_000_000_000),
        spent(0),
      ]);
      expect(granted(await ledger.spent(101, [ROOM, ANN]))).toEqual([spent(0), spent(1)]);
    });

    test('lets go of the days before one, and keeps the others over a restart', async () => {
      const { store } = subject;
      for (const day of [99, 100, 101]) granted(await store.ledger.add(day, [ANN], spent(day)));
      granted(await store.ledger.trim(100));
      const { ledger } = subject.backend.persists ? await subject.reopen() : store;
      const left = [99, 100, 101].map(async (day) => granted(await ledger.spent(day, [ANN])));
      expect(await Promise.all(left)).toEqual([[spent(0)], [spent(100)], [spent(101)]]);
    });
  });
}
