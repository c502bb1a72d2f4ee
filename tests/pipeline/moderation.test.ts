import { describe, expect, test } from 'vitest';
import type { Agent, AgentChunk } from '../../actors/agent-port.ts';
import { Meters } from '../../src/observability/meters.ts';
import { moderated } from '../../src/pipeline/answers.ts';
import { badWords } from '../../src/pipeline/bad-words.ts';
import { ContentModeration, type ModerationParts } from '../../src/pipeline/moderation.ts';
import { StageMeter } from '../../src/pipeline/stages.ts';
import { chunksOf, said, textOf, turnOf } from '../agent/turns.ts';

function moderationOf(more: Partial<ModerationParts> = {}) {
  const meters = new Meters();
  const meter = new StageMeter(meters, 'moderation');
  const defaults = { meter, report: () => {}, whenDown: 'allow', looksAtAnswers: false } as const;
  const count = (outcome: string) => meters.stages.get('moderation')?.get(outcome)?.count ?? 0;
  return { moderation: new ContentModeration({ ...defaults, ...more }), count };
}

describe('what people say', () => {
  test('passes at once, without a promise, where nobody else is asked', () => {
    const { moderation, count } = moderationOf();
    expect(moderation.admit('he\u200bllo')).toBe('hello');
    expect(moderation.admit('\u200b')).toMatchObject({ reason: 'invalid_field' });
    expect([count('passed'), count('refused')]).toEqual([1, 1]);
  });

  test('the word filter finds words through their disguises, and lets others pass', () => {
    const { moderation, count } = moderationOf({ hasBadWords: badWords() });
    for (const text of ['well, fuck', 'FuuuCK that', 'sh\u200bit', 'ʃὗƈｋ it'])
      expect(moderation.admit(text), text).toMatchObject({ reason: 'content_refused' });
    for (const text of ['Scunthorpe', 'the bass class passed its assessment', 'I assume so'])
      expect(moderation.admit(text)).toBe(text);
    expect([count('passed'), count('refused')]).toEqual([3, 4]);
  });

  test('a judge is asked about what would be stored', async () => {
    const asked: string[] = [];
    const judge = async (text: string) => {
      asked.push(text);
      return text.includes('bomb');
    };
    const { moderation, count } = moderationOf({ judge });
    expect(await moderation.admit('a b\u200boat')).toBe('a boat');
    expect(await moderation.admit('a b\u200bomb')).toMatchObject({ reason: 'content_refused' });
    expect(asked).toEqual(['a boat', 'a bomb']);
    expect([count('passed'), count('refused')]).toEqual([1, 1]);
  });

  test('while the judge does not answer, what the operator wants happens', async () => {
    const judge = () => Promise.reject(new Error('down'));
    const lenient = moderationOf({ judge });
    expect(await lenient.moderation.admit('hello')).toBe('hello');
    expect(lenient.count('not_judged')).toBe(1);
    const strict = moderationOf({ judge, whenDown: 'refuse' });
    expect(await strict.moderation.admit('hello')).toMatchObject({
      reason: 'overloaded',
      retryAfterMs: 5_000,
    });
  });
});

const delta = (text: string): AgentChunk => ({ type: 'delta', text });
const DONE: AgentChunk = { type: 'done' };

function speaking(...chunks: readonly AgentChunk[]): Agent {
  return {
    label: 'm',
    answer: async function* () {
      yield* chunks;
    },
  };
}

const turn = turnOf([said('?')]);
const tokens = (text: string) => text.match(/\S+\s*/gu)?.map(delta) ?? [];

describe('what an agent says', () => {
  test('is normalised as it comes, token by token, with nothing held back', async () => {
    const agent = speaking(
      delta('See\u202e it'),
      delta('\u{E0041}'),
      delta(' 👩'),
      delta('\u200d👧.'),
      DONE,
    );
    const chunks = await chunksOf(
      moderated(agent, moderationOf().moderation, () => {}),
      turn,
    );
    expect(chunks).toEqual([...['See it', ' 👩', '\u200d👧.'].map(delta), DONE]);
  });

  test('is shown sentence by sentence where it is looked at; put together it is the answer', async () => {
    const seen: string[] = [];
    const judge = async (text: string) => {
      seen.push(text);
      return false;
    };
    const { moderation } = moderationOf({ judge, looksAtAnswers: true });
    const text = 'One. Two is "longer"! And then\n- a list\n- of two. 3.5 is a number';
    const chunks = await chunksOf(
      moderated(speaking(...tokens(text), DONE), moderation, () => {}),
      turn,
    );
    expect(textOf(chunks)).toBe(text);
    expect(seen).toEqual([
      'One. ',
      'Two is "longer"! ',
      'And then\n',
      '- a list\n',
      '- of two. ',
      '3.5 is a number',
    ]);
  });

  test('ends as refused at the first sentence that may not be shown; what was shown stays', async () => {
    const { moderation } = moderationOf({ hasBadWords: badWords(), looksAtAnswers: true });
    const refused: string[] = [];
    const agent = speaking(...tokens('All is well. What the fuck is it? Never said. '), DONE);
    const stream = moderated(agent, moderation, (_, { reason }) => refused.push(reason)).answer(
      turn,
      new AbortController().signal,
    );
    const shown: AgentChunk[] = [];
    const failed = (async () => {
      for await (const chunk of stream) shown.push(chunk);
    })();
    await expect(failed).rejects.toMatchObject({ reason: 'content_refused' });
    expect(shown).toEqual([delta('All is well. ')]);
    expect(refused).toEqual(['content_refused']);
  });

  test('begins anew with an attempt, and is bounded where no sentence ends', async () => {
    const { moderation } = moderationOf({ hasBadWords: badWords(), looksAtAnswers: true });
    const agent = speaking(
      ...[delta('half a '), { type: 'restarted' } as const],
      ...Array.from({ length: 50 }, () => delta('x'.repeat(100))),
      DONE,
    );
    const chunks = await chunksOf(
      moderated(agent, moderation, () => {}),
      turn,
    );
    expect(textOf(chunks)).toBe('x'.repeat(5_000));
    const longest = Math.max(...chunks.map((one) => (one.type === 'delta' ? one.text.length : 0)));
    expect(longest).toBeLessThanOrEqual(2_100);
  });
});
