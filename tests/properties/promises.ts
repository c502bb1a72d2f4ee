import { expect } from 'vitest';
import type { Outcome } from '../../actors/draft.ts';
import type { LogEvent } from '../../src/domain/event.ts';
import { statusOf } from '../../src/domain/failure.ts';
import type { Harness } from './harness.ts';

/** The promises of the protocol's first section, held against what a harness has seen. */

/** True at every moment: nobody has seen, or was promised, what is not durable; nobody missed anything. */
export async function holdsSoFar(harness: Harness): Promise<void> {
  const log = await harness.log();
  for (const { reader, from } of harness.followers) {
    const { seqs } = reader.outlet;
    expect(seqs).toEqual(seqs.map((_, at) => from + 1 + at));
    expect(seqs.at(-1) ?? 0).toBeLessThanOrEqual(log.length);
  }
  for (const { outcomes } of harness.sent) {
    expect(outcomes.length).toBeLessThanOrEqual(1);
    for (const outcome of outcomes)
      if (outcome.ok) expect(outcome.value.seq).toBeLessThanOrEqual(log.length);
  }
}

/** True when all is quiet. */
export async function holdsInTheEnd(harness: Harness): Promise<void> {
  const log = await harness.log();
  expect(harness.faults).toEqual([]);
  isGapless(log);
  isAnsweredOnce(harness);
  isStoredAsAnswered(harness, log);
  isStoredOnce(harness, log);
  isSeenByAll(harness, log);
}

/** Rule 1. */
function isGapless(log: readonly LogEvent[]): void {
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, at) => at + 1));
}

function isAnsweredOnce({ sent }: Harness): void {
  for (const { outcomes, isOrphan, draft } of sent) {
    if (!isOrphan)
      expect([draft.kind, draft.key, outcomes.length]).toEqual([draft.kind, draft.key, 1]);
  }
}

/** Rules 2 and 5: an ok is in the log, at its seq, as it was said; a 429 or 503 is not. */
function isStoredAsAnswered(harness: Harness, log: readonly LogEvent[]): void {
  for (const { draft, outcomes } of harness.sent) {
    for (const outcome of outcomes) {
      if (!('body' in draft)) continue;
      if (outcome.ok) {
        const event = log[outcome.value.seq - 1];
        expect(event).toMatchObject({
          kind: draft.kind,
          author: { id: draft.author.id },
          key: draft.key,
        });
        // What was trimmed could not be compared with what came under its key.
        const isGone = outcome.value.duplicate && harness.isTrimmed(outcome.value.seq);
        if (!isErased(event) && !isGone) expect(event?.body).toBe(draft.body);
      } else if (draft.kind === 'message' && draft.key === null && isRefused(outcome)) {
        expect(log.some(({ body }) => body === draft.body)).toBe(false);
      }
    }
  }
}

/** Rule 3: a key at most once, its receipts agree; and nothing is there that nobody was promised or left unsure of. */
function isStoredOnce({ sent }: Harness, log: readonly LogEvent[]): void {
  const keys = log.flatMap(({ author, key }) => (key === null ? [] : [`${author.id} ${key}`]));
  expect(new Set(keys).size).toBe(keys.length);
  for (const event of log) {
    if (event.kind !== 'message' || isErased(event) || event.body.includes('foreign')) continue;
    if (event.author.kind === 'agent') continue;
    const asked = sent.filter(
      ({ draft }) =>
        'body' in draft && draft.author.id === event.author.id && draft.body === event.body,
    );
    const isExplained = asked.some(
      ({ outcomes: [outcome], isOrphan }) =>
        isOrphan ||
        (outcome !== undefined &&
          (outcome.ok ? outcome.value.seq === event.seq : isUnknown(outcome))),
    );
    expect([event.body, isExplained]).toEqual([event.body, true]);
    if (event.key === null) expect(log.filter(({ body }) => body === event.body)).toHaveLength(1);
  }
}

/** Rule 4: everyone who stayed has seen all of the log, and what they saw is what it says. */
function isSeenByAll({ followers }: Harness, log: readonly LogEvent[]): void {
  for (const { reader, from, isGone } of followers) {
    const seen = reader.outlet.of('event');
    if (!isGone) expect([from, seen.length]).toEqual([from, log.length - from]);
    for (const frame of seen) {
      const event = log[(frame['seq'] as number) - 1];
      expect(frame).toMatchObject({ kind: event?.kind, from: { id: event?.author.id } });
      if (event !== undefined && !isErased(event))
        expect(frame).toMatchObject(JSON.parse(event.body));
      const isOwn = event?.author.id === reader.subscription.participantId;
      expect(frame['key']).toBe(isOwn ? (event?.key ?? undefined) : undefined);
    }
  }
  const newcomer = followers.at(-1);
  for (const frame of newcomer?.reader.outlet.of('event') ?? []) {
    if (isErased(log[(frame['seq'] as number) - 1])) expect(frame).not.toHaveProperty('content');
  }
}

function isErased(event: LogEvent | undefined): boolean {
  return event !== undefined && JSON.parse(event.body).deleted === true;
}

function isRefused(outcome: Outcome): boolean {
  return !outcome.ok && [429, 503].includes(statusOf(outcome.failure.reason));
}

function isUnknown(outcome: Outcome): boolean {
  return !outcome.ok && outcome.failure.reason === 'internal';
}
