import { expect, test } from 'vitest';
import { setTable } from './table.ts';

const table = setTable();

test("the agent's words show as they come, in both windows, and the answer stays", async () => {
  const id = table.newId();
  const ada = await table.person('Ada', id);
  const ben = await table.person('Ben', id);
  // It stalls after three words: what is seen then was streamed.
  await ada.say('@assistant tokens: 6; rate: 0; stall: 3');
  for (const person of [ada, ben]) {
    await person.turn.getByText('is answering…').waitFor();
    await expect.poll(() => wordsIn(person.turn.locator('.content'))).toBe(3);
  }
  await ben.say('meanwhile, people talk');
  // In Ben's page, too: a draft that becomes a message moves the button, and a press that began on it would miss it.
  for (const person of [ada, ben]) {
    await expect.poll(() => person.message('meanwhile').count()).toBe(1);
  }
  await ben.turn.getByRole('button', { name: 'Stop' }).click();
  for (const person of [ada, ben]) {
    await expect.poll(() => person.page.getByRole('button', { name: 'Stop' }).count()).toBe(0);
  }

  await ada.say('@assistant say: Bring blankets and tea.');
  for (const person of [ada, ben]) {
    const answer = person.messages.filter({ hasText: 'Assistant' }).last();
    await expect
      .poll(() => answer.locator('.content').textContent())
      .toBe('Bring blankets and tea.');
    await expect.poll(() => person.page.locator('[aria-busy="true"]').count()).toBe(0);
  }
});

test('one who comes in the middle of an answer sees all of it so far', async () => {
  const id = table.newId();
  const ada = await table.person('Ada', id);
  await ada.say('tokens: 6; rate: 0; stall: 4');
  await expect.poll(() => wordsIn(ada.turn.locator('.content'))).toBe(4);
  const ben = await table.person('Ben', id);
  await expect.poll(() => wordsIn(ben.turn.locator('.content'))).toBe(4);
  await ada.page.reload();
  await expect.poll(() => wordsIn(ada.turn.locator('.content'))).toBe(4);
});

test('Stop ends an answer in both windows', async () => {
  const id = table.newId();
  const ada = await table.person('Ada', id);
  const ben = await table.person('Ben', id);
  await ada.say('@assistant tokens: 6; rate: 0; stall: 3');
  await ada.turn.getByRole('button', { name: 'Stop' }).click();
  for (const person of [ada, ben]) {
    await expect.poll(() => person.page.getByRole('button', { name: 'Stop' }).count()).toBe(0);
  }
});

test('a new attempt begins with nothing of the last one', async () => {
  const ada = await table.person('Ada', table.newId());
  await ada.say('tokens: 5; rate: 0; restart: 3');
  await expect.poll(() => ada.messages.count()).toBe(2);
  expect(await wordsIn(ada.messages.last().locator('.content'))).toBe(5);
});

test('an answer that fails says so', async () => {
  const ada = await table.person('Ada', table.newId());
  await ada.say('tokens: 5; rate: 0; fail: 2');
  await ada.turn.getByText('could not answer').waitFor();
});

test('a tool that needs approval waits for a click, in both windows, and goes on', async () => {
  const id = table.newId();
  const ada = await table.person('Ada', id);
  const ben = await table.person('Ben', id);
  await ada.say('@assistant say: So be it.\napprove: pay; approve: ship');
  for (const person of [ada, ben]) {
    await person.turn.getByText('waits for an approval').waitFor();
    await person.turn.getByText('pay waits for somebody to approve it').waitFor();
  }
  await ben.turn.getByRole('button', { name: 'Approve pay' }).click();
  await ada.turn.getByText('pay was used, approved by Ben').waitFor();
  await ada.page.reload();
  await ada.turn.getByText('pay was used, approved by Ben').waitFor();
  await ada.turn.getByRole('button', { name: 'Reject ship' }).click();
  for (const person of [ada, ben]) {
    const answer = person.messages.filter({ hasText: 'Assistant' }).last();
    await expect
      .poll(() => answer.locator('.content').textContent())
      .toBe('So [pay: done] [ship: rejected by a person] be it.');
  }
});

async function wordsIn(text: { innerText: () => Promise<string> }): Promise<number> {
  return (await text.innerText()).trim().split(/\s+/).length;
}
