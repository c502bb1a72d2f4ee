import { expect, test } from 'vitest';
import { DEADLINE_MS } from '../support/deadline.ts';
import { setTable } from './table.ts';

const table = setTable({ agent: 'none' });
const COUNT = 460;
/** The page's own bound on what it draws. */
const MAX_SHOWN = 300;

test('a long conversation is shown in a window: older by scrolling, back to the newest', async () => {
  const id = table.newId();
  const { conversation } = await table.program('Cat', id);
  const sent = Array.from({ length: COUNT }, (_, n) => conversation.send(`line ${n}`));
  await Promise.all(sent);
  const ada = await table.person('Ada', id);
  const log = ada.page.getByRole('log', { name: 'Messages' });
  await ada.message(`line ${COUNT - 1}`).waitFor();
  await expect.poll(() => ada.messages.count()).toBe(50);

  // The message one looks at stays where it is while older ones come in above it.
  const before = await log.evaluate((box) => {
    box.scrollTop = 300;
    const top = box.getBoundingClientRect().top;
    const row = [...box.querySelectorAll('[data-seq]')].find(
      (candidate) => candidate.getBoundingClientRect().top > top,
    );
    return { seq: row?.getAttribute('data-seq'), y: row?.getBoundingClientRect().y ?? 0 };
  });
  await expect.poll(() => ada.messages.count()).toBe(100);
  const after = await ada.page.locator(`[data-seq="${before.seq}"]`).boundingBox();
  expect(Math.abs((after?.y ?? 0) - before.y)).toBeLessThan(2);

  await expect
    .poll(
      async () => {
        await log.evaluate((box) => {
          box.scrollTop = 0;
        });
        return ada.page.getByText('The beginning of the conversation').count();
      },
      { timeout: DEADLINE_MS },
    )
    .toBe(1);
  await ada.messages.filter({ has: ada.page.getByText('line 0', { exact: true }) }).waitFor();
  expect(await ada.messages.count()).toBeLessThanOrEqual(MAX_SHOWN);
  expect(await isARun(await ada.texts())).toBe(true);

  await conversation.send('the newest');
  await ada.page.getByRole('button', { name: /Newest|new/ }).click();
  await ada.message('the newest').waitFor();
  await expect.poll(() => ada.texts()).toContain(`line ${COUNT - 1}`);
  expect(await ada.messages.count()).toBeLessThanOrEqual(MAX_SHOWN);
});

test('one who reads above is not pulled down by what comes, and is told how much it is', async () => {
  const id = table.newId();
  const { conversation } = await table.program('Cat', id);
  await Promise.all(Array.from({ length: 40 }, (_, n) => conversation.send(`line ${n}`)));
  const ada = await table.person('Ada', id);
  await ada.message('line 39').waitFor();
  const log = ada.page.getByRole('log', { name: 'Messages' });
  await log.evaluate((box) => {
    box.scrollTop -= 600;
  });
  await ada.page.getByRole('button', { name: 'Newest' }).waitFor();
  const before = await log.evaluate((box) => box.scrollTop);
  await conversation.send('news');
  await ada.page.getByRole('button', { name: '1 new' }).waitFor();
  expect(await log.evaluate((box) => box.scrollTop)).toBe(before);
  await ada.page.getByRole('button', { name: '1 new' }).click();
  await expect
    .poll(() => log.evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight))
    .toBeLessThan(2);
});

function isARun(texts: readonly string[]): boolean {
  const numbers = texts.map((text) => Number(text.replace('line ', '')));
  return numbers.every((number, at) => at === 0 || number === (numbers[at - 1] ?? 0) + 1);
}
