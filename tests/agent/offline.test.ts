import { expect, test } from 'vitest';
import { offlineAgent } from '../../src/agent/offline.ts';
import { NO_MODEL, NO_MODEL_BRIEF } from '../../src/agent/offline-wording.ts';
import { searchDocumentsTool } from '../../src/agent/tools/search-documents.ts';
import type { Document } from '../../src/domain/document.ts';
import { documentId, participantId } from '../../src/domain/ids.ts';
import { ok } from '../../src/domain/result.ts';
import { cpuMs } from '../support/cpu.ts';
import { fc } from '../support/properties.ts';
import { ManualClock } from './manual-clock.ts';
import { answerOf, chunksOf, said, textOf, turn, turnOf } from './turns.ts';

const agent = offlineAgent({ wordsPerSecond: 0 });
const SPOKEN = ['Assistant', 'Hello.'] as const;

test('answers with what was said before, who said it and its seq', async () => {
  const answer = await answerOf(
    agent,
    turn(['Ana', 'The launch is on 14 May, in Lisbon.'], ['Ben', 'I had soup.'], SPOKEN, [
      'Ben',
      'When is the launch?',
    ]),
  );
  expect(answer).toBe('Ana said: “The launch is on 14 May, in Lisbon.” [#1]');
});

test('says plainly that it found nothing', async () => {
  const answer = await answerOf(
    agent,
    turn(['Ana', 'I had soup.'], SPOKEN, ['Ben', 'Where is the harbour?']),
  );
  expect(answer).toBe(
    'I found nothing relevant in the one message of this conversation that I looked through.',
  );
});

test('its first answer says that no model is configured, and how to configure one', async () => {
  const answer = await answerOf(agent, turn('When is the launch?'));
  expect(answer).toContain(NO_MODEL);
  for (const name of [
    'COLLOQUY_AGENT=openai',
    'OPENAI_API_KEY',
    'COLLOQUY_OPENAI_BASE_URL',
    'COLLOQUY_MODEL',
  ])
    expect(NO_MODEL).toContain(name);
});

test('later answers say it when they are asked, and not else', async () => {
  for (const ask of [
    'Who are you?',
    'Which model do you use?',
    'help',
    'Is there an LLM behind this?',
  ])
    expect(await answerOf(agent, turn(SPOKEN, ask))).toBe(NO_MODEL_BRIEF);
  expect(await answerOf(agent, turn(SPOKEN, 'Where is the harbour?'))).not.toContain('model');
});

test('honours edits, skips what was deleted, ignores its own answers and the question itself', async () => {
  const input = turnOf([
    said('The launch is on 21 May.', { seq: 2, edited: true }),
    said('', { seq: 3, deleted: true }),
    said('The launch is never.', { seq: 4, name: 'Assistant' }),
    said('When is the launch?', { seq: 5, name: 'Ben' }),
    said('When is the launch?', { seq: 9, name: 'Eve' }),
  ]);
  expect(await answerOf(agent, input)).toBe('Ana said: “The launch is on 21 May.” [#2]');
});

test('of equals the newer one comes first', async () => {
  const answer = await answerOf(
    agent,
    turn(SPOKEN, ['Ana', 'budget is 100'], ['Ben', 'budget is 200'], 'What is the budget?'),
  );
  expect(answer).toBe('Ben said: “budget is 200” [#3]\nAna also said: “budget is 100” [#2]');
});

test('a person who is named is asked about', async () => {
  const talk = [SPOKEN, ['Ana', 'The budget is 100.'], ['Ben', 'The budget is 200.']] as const;
  expect(await answerOf(agent, turn(...talk, 'What did Ana say about the budget?'))).toMatch(
    /^Ana said: .*\[#2\]/u,
  );
  expect(await answerOf(agent, turn(...talk, 'What did Ben say?'))).toBe(
    'Ben said: “The budget is 200.” [#3]',
  );
});

test('finds other forms of a word, with or without accents, and words of scripts without spaces', async () => {
  for (const [fact, question] of [
    ['We decided to book hotels.', 'Which hotel was booked?'],
    ['Das Café öffnet um neun.', 'When does the cafe open?'],
    ['发布会在五月二十一日举行', '发布会什么时候？'],
    ['Запуск назначен на май', 'Когда запуск?'],
  ] as const)
    expect(await answerOf(agent, turn(['Ana', fact], SPOKEN, ['Ben', question]))).toBe(
      `Ana said: “${fact}” [#1]`,
    );
});

test('quotes the sentence that matters of a long message', async () => {
  const filler = 'It was a long and quiet day at the harbour. '.repeat(20);
  const answer = await answerOf(
    agent,
    turn(
      SPOKEN,
      ['Ana', `${filler}The password is under the mat. ${filler}`],
      'Where is the password?',
    ),
  );
  expect(answer).toBe('Ana said: “The password is under the mat.” [#2]');
});

test('takes note of what is not a question, and greets back', async () => {
  expect(await answerOf(agent, turn(SPOKEN, 'The launch is on 14 May.'))).toMatch(/^Noted \[#2\]/u);
  expect(await answerOf(agent, turn(SPOKEN, 'Hello!'))).toMatch(/^Hello, Ana!/u);
});

test('a quote stays on its line and carries no control or bidi characters', async () => {
  const answer = await answerOf(
    agent,
    turn(SPOKEN, ['Ana\nEve', 'launch\n\n# now\u202e\u0000 ok'], 'When is the launch?'),
  );
  expect(answer).toBe('Ana Eve said: “launch # now ok” [#2]');
});

test('reads no more than its bound of the newest messages, and says so', async () => {
  const limits: number[] = [];
  const input = turn(
    ...Array.from({ length: 30 }, (_, i) => `fact ${i}`),
    SPOKEN,
    'Where is the harbour?',
  );
  const answer = await answerOf(offlineAgent({ wordsPerSecond: 0, historyMessages: 12 }), {
    ...input,
    history: (limit) => {
      limits.push(limit);
      return input.history(limit);
    },
  });
  expect(limits).toEqual([12]);
  expect(answer).toContain('the newest 10 messages');
});

test('streams word by word at its pace, ends with `done`, and stops at an abort', async () => {
  const clock = new ManualClock();
  const paced = offlineAgent({ clock, wordsPerSecond: 100 });
  const whole = chunksOf(paced, turn(SPOKEN, 'Hello!'));
  await clock.advance(1_000);
  expect((await whole).slice(0, 3)).toEqual([
    { type: 'delta', text: 'Hello,' },
    { type: 'delta', text: ' Ana!' },
    { type: 'delta', text: ' Ask' },
  ]);
  expect((await whole).at(-1)).toEqual({ type: 'done' });

  const abort = new AbortController();
  const part = chunksOf(paced, turn(SPOKEN, 'Hello!'), abort.signal);
  await clock.advance(25);
  abort.abort();
  expect((await part).map(({ type }) => type)).toEqual(['delta', 'delta', 'delta']);
});

test('cites only messages that are there, with their author, for any conversation', async () => {
  const word = fc.constantFrom(
    'launch',
    'budget',
    'Café',
    '五月',
    '?',
    'the',
    '\u202e',
    '[#9]',
    '“',
    '\n',
  );
  const text = fc.array(word, { minLength: 1, maxLength: 8 }).map((words) => words.join(' '));
  const message = fc.tuple(fc.constantFrom('Ana', 'Ben', 'Assistant'), text);
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 12 }), text, async (talk, ask) => {
      const answer = await answerOf(agent, turn(...talk, ['Eve', ask]));
      expect(await answerOf(agent, turn(...talk, ['Eve', ask]))).toBe(answer);
      for (const [, name, seq] of answer.matchAll(
        /^(?:That goes with what )?(\S+) (?:also )?said: .*\[#(\d+)\]$/gmu,
      )) {
        const cited = talk[Number(seq) - 1];
        expect(cited?.[0]).toBe(name);
        expect(name).not.toBe('Assistant');
      }
    }),
  );
});

test('hostile text costs no more than its length: 5 MB of it is answered within seconds', async () => {
  const hostile = [
    'a',
    'a b ',
    '漢',
    '. ',
    '\u0301',
    'ﷺ',
    'launch?',
    ' ',
    '@',
    '<',
    '\u202e',
    '9.',
    'ing',
  ];
  for (const piece of hostile) {
    const text = piece.repeat(Math.ceil(9_900 / piece.length)).slice(0, 9_900);
    const talk = Array.from({ length: 499 }, (_, i) => [`P${i}`, `${i} ${text}`] as const);
    const before = cpuMs();
    const answer = await answerOf(agent, turn(...talk, ['Eve', text]));
    expect(answer.length).toBeLessThan(2_000);
    expect(cpuMs() - before).toBeLessThan(2_000);
  }
});

test('quotes the documents that bear on a question, with their titles, and cites them', async () => {
  const results = [
    {
      document_id: 'd',
      chunk_id: 'd.0',
      title: 'Tides',
      score: 2,
      text: 'High water\ncomes at five.',
    },
    { document_id: 'd', chunk_id: 'd.1', title: 'Tides', score: 1, text: 'Something else.' },
  ];
  const asked: unknown[] = [];
  const tool = searchDocumentsTool({
    searchDocuments: async (query) => {
      asked.push(query);
      const chunk = (at: number) => ({
        index: at,
        start: 0,
        end: 1,
        text: results[at]?.text ?? '',
      });
      const document = { id: documentId('d'), title: 'Tides' } as Document;
      return ok([0, 1].map((at) => ({ document, chunk: chunk(at), score: 2 - at })));
    },
  });
  const reading = offlineAgent({ wordsPerSecond: 0, tools: async () => [tool] });
  const input = {
    ...turn(SPOKEN, ['Ana', 'When is high water?']),
    askedBy: [participantId('ana')],
  };
  const chunks = await chunksOf(reading, input);
  expect(textOf(chunks)).toBe('The document “Tides” has: “High water comes at five.”');
  expect(chunks.at(-1)).toEqual({
    type: 'done',
    citations: [{ document_id: 'd', chunk_id: 'd.0', title: 'Tides', score: 2 }],
  });
  expect(asked).toEqual([{ seenBy: ['ana'], text: 'When is high water?', limit: 2 }]);
  // What is no question is noted, and nothing is looked up for it.
  expect(await answerOf(reading, turn(SPOKEN, ['Ana', 'High water it is.']))).toMatch(/^Noted/u);
  expect(asked).toHaveLength(1);
});
