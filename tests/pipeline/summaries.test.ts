import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Task } from '../../actors/agent-port.ts';
import { conversationId } from '../../src/domain/ids.ts';
import { Summaries } from '../../src/pipeline/summaries.ts';
import { countTokens } from '../../src/provider/tokens.ts';
import { MemoryStore } from '../../storage/memory/memory-store.ts';
import {
  appended,
  deletion,
  edit,
  granted,
  headOf,
  made,
  message,
  NOW,
  ONE,
} from '../contract/fixtures.ts';

const LONG = 'We walk to the lake on Sunday, if the weather is good and Ada has the car. '.repeat(
  8,
);
const SUMMARY_TOKENS = 1_000;

let store: MemoryStore;
let tasks: Task[];
let reports: string[];
let spent: unknown[];
let summaries: Summaries;
/** What the model writes; a test may put something else in its place. */
let write: (task: Task) => Promise<string>;

beforeEach(() => {
  store = new MemoryStore();
  [tasks, reports, spent] = [[], [], []];
  write = async () => `Summary ${tasks.length}.`;
  summaries = new Summaries({
    store,
    now: () => NOW,
    report: (event) => reports.push(event),
    onSpent: (id, usage) => spent.push([id, usage]),
    summaryTokens: SUMMARY_TOKENS,
  });
});

afterEach(async () => {
  await summaries.close();
  await store.close();
});

async function consider(): Promise<void> {
  summaries.consider(ONE, async (task) => {
    tasks.push(task);
    return { text: await write(task), usage: { input_tokens: 9, output_tokens: 2 } };
  });
  await summaries.whenIdle();
}

const kept = async () => granted(await store.readSummary(ONE));
const talk = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) =>
    message(from + n, { content: `${from + n}: ${LONG}` }),
  );

test('a short history has no summary, and no call is made for one', async () => {
  await made(store, talk(1, 5));
  await consider();
  expect([tasks, await kept()]).toEqual([[], undefined]);
});

test('a long one is summed up but for its newest messages; the log stays as it is', async () => {
  await made(store, talk(1, 20));
  await consider();
  const summary = await kept();
  expect(summary).toMatchObject({ fromSeq: 1, text: 'Summary 1.', createdAt: NOW });
  const leftOut = talk((summary?.toSeq ?? 0) + 1, 20);
  const tokens = leftOut.reduce((sum, { body }) => sum + countTokens(JSON.parse(body).content), 0);
  expect(tokens).toBeLessThan(SUMMARY_TOKENS / 2);
  expect(tasks[0]?.text).toContain(`ann: 1: ${LONG}`);
  expect(tasks[0]?.instructions).not.toContain('lake');
  expect(await headOf(store)).toBe(20);
  expect(spent).toEqual([[ONE, { input_tokens: 9, output_tokens: 2 }]]);
});

test('the next one goes on from it, with the new messages alone', async () => {
  await made(store, talk(1, 20));
  await consider();
  const first = await kept();
  await appended(store, talk(21, 40));
  await consider();
  expect(tasks[1]?.text).toContain('The summary so far:\nSummary 1.');
  expect(tasks[1]?.text).not.toContain(`ann: ${first?.toSeq}: `);
  expect(tasks[1]?.text).toContain(`ann: ${(first?.toSeq ?? 0) + 1}: `);
  expect(await kept()).toMatchObject({ fromSeq: 1, text: 'Summary 2.' });
});

test("what people wrote reaches the model as it is: $' expands to nothing", async () => {
  const told = "$' $& $` $1 $<x> <|endoftext|> {text}";
  await made(store, [message(1, { content: told }), ...talk(2, 20)]);
  write = async () => "It was about $' and $&.";
  await consider();
  expect(tasks[0]?.text).toContain(`ann: ${told}\n`);
  await appended(store, talk(21, 40));
  await consider();
  expect(tasks[1]?.text).toContain("The summary so far:\nIt was about $' and $&.\n");
});

test('a summary that fails changes nothing, and is made after another turn', async () => {
  await made(store, talk(1, 20));
  await consider();
  await appended(store, talk(21, 40));
  const works = write;
  write = () => Promise.reject(new Error('no model'));
  const before = await kept();
  await consider();
  expect([await kept(), reports]).toEqual([before, ['summary_failed']]);
  write = works;
  await consider();
  expect(await kept()).not.toEqual(before);
});

test('an edit or a deletion in its range has it made again, from the messages as they stand', async () => {
  await made(store, talk(1, 20));
  await consider();
  await appended(store, [edit(21, 2, 'Ada sold the car.')], {
    expectedHead: 20,
    effects: [{ kind: 'edited', targetSeq: 2, seq: 21 }],
  });
  expect(await kept()).toBeUndefined();
  await consider();
  expect(tasks[1]?.text).toContain('ann: Ada sold the car.');
  expect(tasks[1]?.text).not.toContain('Summary 1.');
  await appended(store, [deletion(22, 3)], {
    expectedHead: 21,
    effects: [{ kind: 'erased', targetSeq: 3 }],
  });
  await consider();
  expect(tasks[2]?.text).not.toContain('ann: 3: ');
});

test('what is deleted while it is written is not in a summary; other messages do not hold it up', async () => {
  await made(store, talk(1, 20));
  write = async () => {
    await appended(store, [deletion(21, 3)], {
      expectedHead: 20,
      effects: [{ kind: 'erased', targetSeq: 3 }],
    });
    return 'Says what is gone.';
  };
  await consider();
  expect(await kept()).toBeUndefined();
  write = async () => {
    await appended(store, talk(22, 25));
    return 'Holds.';
  };
  await consider();
  expect(await kept()).toMatchObject({ text: 'Holds.' });
});

test('a history of any length takes a bounded number of calls, each of a bounded size', async () => {
  await made(store, talk(1, 600));
  write = async () => 'word '.repeat(5_000);
  await consider();
  expect(tasks.length).toBeLessThanOrEqual(9);
  for (const { text } of tasks) expect(countTokens(text)).toBeLessThan(6_000);
  expect(countTokens((await kept())?.text ?? '')).toBeLessThanOrEqual(600);
});

test('a conversation is summed up once at a time, several beside each other', async () => {
  const ids = ['c_a', 'c_b', 'c_c', 'c_d', 'c_e', 'c_f'].map((id) => conversationId(id));
  for (const id of ids) await made(store, talk(1, 20), { id });
  const running: string[] = [];
  let most = 0;
  for (const id of [...ids, ...ids])
    summaries.consider(id, async () => {
      expect(running).not.toContain(id);
      running.push(id);
      most = Math.max(most, running.length);
      await new Promise((resolve) => setImmediate(resolve));
      running.splice(running.indexOf(id), 1);
      return { text: `Of ${id}.` };
    });
  await summaries.whenIdle();
  expect(most).toBe(4);
  for (const id of ids) expect(granted(await store.readSummary(id))?.text).toBe(`Of ${id}.`);
});

test('a close leaves what is under way', async () => {
  await made(store, talk(1, 20));
  const aborted = new Promise<void>((resolve) => {
    summaries.consider(ONE, (_, signal) => {
      return new Promise((__, reject) => {
        signal.addEventListener('abort', () => {
          resolve();
          reject(signal.reason);
        });
      });
    });
  });
  await new Promise((resolve) => setImmediate(resolve));
  await Promise.all([summaries.close(), aborted]);
  expect([await kept(), reports]).toEqual([undefined, []]);
});
