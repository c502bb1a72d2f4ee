import { expect, test } from 'vitest';
import { Speech, type Spoken } from '../../src/agent/langgraph/speech.ts';

const usage = { input_tokens: 1, output_tokens: 2 };

function speech(): { speech: Speech; abort: AbortController } {
  const abort = new AbortController();
  return { speech: new Speech(abort.signal), abort };
}

async function allOf(said: Speech): Promise<Spoken[]> {
  const all: Spoken[] = [];
  for await (const spoken of said) all.push(spoken);
  return all;
}

test('texts of one answer that nobody has taken are one, and what is said is heard in its order', async () => {
  const { speech: said } = speech();
  for (const text of ['a', 'b', 'c']) said.say(text, 'one');
  said.spent(usage);
  said.say('d', 'two');
  said.end();
  expect(await allOf(said)).toEqual([
    { type: 'text', text: 'abc', answer: 'one' },
    { type: 'usage', usage },
    { type: 'text', text: 'd', answer: 'two' },
  ]);
});

test('who waits hears the first word at once', async () => {
  const { speech: said } = speech();
  const first = said.next();
  said.say('a', 'one');
  said.say('b', 'one');
  expect(await first).toMatchObject({ value: { text: 'a' } });
  expect(await said.next()).toMatchObject({ value: { text: 'b' } });
});

test('a failure is thrown behind what was said before it, once', async () => {
  const { speech: said } = speech();
  said.say('a', 'one');
  said.end({ cause: new Error('broken') });
  expect(await said.next()).toMatchObject({ value: { text: 'a' } });
  await expect(said.next()).rejects.toThrow('broken');
  expect(await said.next()).toMatchObject({ done: true });
  const { speech: silent } = speech();
  const waiting = silent.next();
  silent.end({ cause: new Error('broken') });
  await expect(waiting).rejects.toThrow('broken');
  expect(await silent.next()).toMatchObject({ done: true });
});

test('an abort ends it at once, for who waits and for who comes', async () => {
  const { speech: said, abort } = speech();
  const waiting = said.next();
  abort.abort(new Error('over'));
  await expect(waiting).rejects.toThrow('over');
  const { speech: late, abort: early } = speech();
  late.say('a', 'one');
  early.abort(new Error('over'));
  late.say('b', 'one');
  await expect(late.next()).rejects.toThrow('over');
});

test('it is heard when every text was taken, or nobody is there to take one', async () => {
  const { speech: said } = speech();
  let isHeard = false;
  said.say('a', 'one');
  const heard = said.heard().then(() => {
    isHeard = true;
  });
  said.spent(usage);
  await new Promise((resolve) => setImmediate(resolve));
  expect(isHeard).toBe(false);
  await said.next();
  await heard;
  said.say('b', 'one');
  const gone = said.heard();
  await said.return();
  await gone;
});
