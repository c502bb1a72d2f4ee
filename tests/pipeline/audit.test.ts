import { beforeEach, expect, test } from 'vitest';
import type { AuditEntry } from '../../src/domain/audit.ts';
import { Meters } from '../../src/observability/meters.ts';
import { type AuditParts, AuditTrail } from '../../src/pipeline/audit.ts';
import { StageMeter } from '../../src/pipeline/stages.ts';
import { MemoryStore } from '../../storage/memory/memory-store.ts';
import { unavailable } from '../../storage/unavailable.ts';
import { granted } from '../contract/fixtures.ts';
import { SimulatedClock, settled } from '../support/simulated-clock.ts';

const DAY_MS = 86_400_000;

let store: MemoryStore;
let clock: SimulatedClock;
let meters: Meters;
let reports: string[];

beforeEach(() => {
  store = new MemoryStore();
  clock = new SimulatedClock();
  meters = new Meters();
  reports = [];
});

function trailOf(more: Partial<AuditParts> = {}): AuditTrail {
  return new AuditTrail({
    log: store.audit,
    timing: clock,
    meter: new StageMeter(meters, 'audit'),
    report: (event) => reports.push(event),
    keepsMessages: false,
    maxAgeMs: 0,
    ...more,
  });
}

const deed = (target: string): Omit<AuditEntry, 'at'> => ({
  action: 'message.deleted',
  outcome: 'ok',
  participantId: null,
  from: '::1',
  conversationId: null,
  target,
});
const stored = async () =>
  granted(await store.audit.page({ limit: 100_000 })).map(({ target }) => target);
const passages = (outcome: string) => meters.stages.get('audit')?.get(outcome)?.count;

test('nobody waits for a line: it is stored a moment later, with others, in their order', async () => {
  const trail = trailOf();
  trail.note(deed('a'));
  trail.note(deed('b'));
  expect(await stored()).toEqual([]);
  await clock.pass(50);
  expect(await stored()).toEqual(['b', 'a']);
  expect(passages('stored')).toBe(2);
});

test('lines wait for a store that does not answer, and a close stores what waits', async () => {
  let isDown = true;
  const add: typeof store.audit.add = async (entries) =>
    isDown ? { ok: false, failure: unavailable(new Error('down')) } : store.audit.add(entries);
  const { audit } = store;
  const trail = trailOf({
    log: { add, page: (query) => audit.page(query), trim: (before, n) => audit.trim(before, n) },
  });
  trail.note(deed('a'));
  await clock.pass(50);
  expect(reports).toEqual(['audit_not_stored']);
  isDown = false;
  await clock.pass(1_000);
  expect(await stored()).toEqual(['a']);
  trail.note(deed('b'));
  await trail.close();
  expect(await stored()).toEqual(['b', 'a']);
});

test('what is more than it may hold is let go of, counted and reported', async () => {
  const trail = trailOf();
  for (let n = 0; n < 20_010; n += 1) trail.note(deed(String(n)));
  await trail.close();
  expect((await stored()).length).toBe(20_000);
  expect([passages('dropped'), reports]).toEqual([10, ['audit_dropped']]);
});

test('old lines are let go of, hour by hour', async () => {
  const trail = trailOf({ maxAgeMs: DAY_MS });
  trail.note(deed('old'));
  trail.start();
  await clock.pass(DAY_MS - 1_000);
  trail.note(deed('new'));
  expect(await stored()).toEqual(['old']);
  await clock.pass(2 * 3_600_000);
  await settled();
  expect(await stored()).toEqual(['new']);
  await trail.close();
});
