import { expect, test } from 'vitest';
import { setTable } from './table.ts';

const table = setTable({ agent: 'none' });

test('everything is done by keyboard alone', async () => {
  const id = table.newId();
  const ada = await table.guest();
  const { keyboard } = ada.page;
  await ada.page.goto(`${table.server.url}/#/c/${id}`);
  await expect.poll(() => focused(ada)).toBe('name');
  await keyboard.type('Ada');
  await keyboard.press('Enter');
  await ada.isLive();
  await expect.poll(() => focused(ada)).toBe('composer');
  await keyboard.type('one');
  await keyboard.press('Shift+Enter');
  await keyboard.type('more');
  await keyboard.press('Enter');
  await keyboard.type('two');
  await keyboard.press('Enter');
  await expect.poll(() => ada.messages.count()).toBe(2);

  // Into the list, up to the first message, and into what can be done with it.
  const first = ada.message('one');
  await first.focus();
  await keyboard.press('Tab');
  expect(await focusedLabel(ada)).toBe('Reply to Ada');
  await keyboard.press('Tab');
  expect(await focusedLabel(ada)).toBe('Edit this message');
  await keyboard.press('Enter');
  await expect.poll(() => focused(ada)).toBe('composer');
  await keyboard.press('Control+A');
  await keyboard.type('first');
  await keyboard.press('Enter');
  await ada.message('first').waitFor();
  await ada.message('first').getByText('edited').waitFor();

  await ada.message('first').focus();
  await keyboard.press('ArrowDown');
  await expect
    .poll(() =>
      ada
        .message('two')
        .first()
        .evaluate((row) => row === document.activeElement),
    )
    .toBe(true);
  await keyboard.press('Home');
  for (const _ of ['reply', 'edit', 'delete']) await keyboard.press('Tab');
  expect(await focusedLabel(ada)).toBe('Delete this message');
  await keyboard.press('Enter');
  await keyboard.press('Enter');
  await ada.message('This message was deleted.').waitFor();
  expect(await ada.messages.first().evaluate((row) => row === document.activeElement)).toBe(true);
});

test('Escape gives up a reply or an edit, and gives the focus back to the message', async () => {
  const ada = await table.person('Ada', table.newId());
  await ada.say('@nobody one');
  await ada.message('one').first().waitFor();
  await ada.field.press('ArrowUp');
  const edit = ada.page.getByRole('textbox', { name: 'Edit the message' });
  expect(await edit.inputValue()).toBe('@nobody one');
  await edit.press('Escape');
  expect(await ada.message('@nobody one').evaluate((row) => row === document.activeElement)).toBe(
    true,
  );
  expect(await ada.field.inputValue()).toBe('');
});

test('has landmarks, names for every control, and tells whole messages politely, once', async () => {
  const id = table.newId();
  const ada = await table.person('Ada', id);
  const { page } = ada;
  for (const role of ['banner', 'main', 'log'] as const) {
    expect(await page.getByRole(role).count()).toBe(1);
  }
  expect(await page.getByRole('complementary', { name: 'People' }).count()).toBe(1);
  expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
  await ada.say('before');
  await ada.sees('before');

  const ben = await table.person('Ben', id);
  await ben.say('Good morning');
  const told = page.locator('[data-announcer] > p');
  await expect.poll(() => told.allInnerTexts()).toContain('Ben: Good morning');
  expect(await told.filter({ hasText: 'Good morning' }).count()).toBe(1);
  const toldToBen = await ben.page.locator('[data-announcer] > p').allInnerTexts();
  expect(toldToBen.filter((line) => line.includes('before'))).toEqual([]);

  const nameless = await page.locator('button, input, textarea, a').evaluateAll((controls) =>
    controls
      .filter((control) => {
        const labels =
          control instanceof HTMLInputElement || control instanceof HTMLTextAreaElement
            ? control.labels?.length
            : 0;
        return !(control.textContent?.trim() || control.getAttribute('aria-label') || labels);
      })
      .map((control) => control.outerHTML),
  );
  expect(nameless).toEqual([]);
});

test.for([
  ['light', 360],
  ['dark', 360],
  ['light', 320],
] as const)(
  'fits a phone: %s, %i px wide, nothing scrolls sideways',
  async ([colorScheme, width]) => {
    const id = table.newId();
    const phone = { viewport: { width, height: 640 }, isMobile: true, hasTouch: true, colorScheme };
    const start = await table.guest(phone);
    await start.page.goto(table.server.url);
    expect(await overflow(start)).toBeLessThanOrEqual(0);
    const ada = await table.person('Ada with a name that is rather long for a phone', id, phone);
    const ben = await table.person('Ben', id, phone);
    await ada.say(`https://example.org/${'x'.repeat(300)}`);
    await ben.message('example.org').waitFor();
    await ben.message('example.org').tap();
    await ben.message('example.org').getByRole('button', { name: /Reply/ }).tap();
    await ben.say('a word '.repeat(60));
    await ada.message('a word').waitFor();
    await ada.message('example.org').tap();
    await ada.message('example.org').getByRole('button', { name: 'Delete this message' }).tap();
    for (const person of [ada, ben]) {
      expect(await overflow(person)).toBeLessThanOrEqual(0);
      const log = person.page.getByRole('log');
      expect(await log.evaluate((box) => box.scrollWidth - box.clientWidth)).toBe(0);
    }
    await ben.page.getByRole('button', { name: '2 here' }).tap();
    await ben.page.getByRole('dialog', { name: 'People' }).getByText('Ada with a name').waitFor();
    await ben.page.keyboard.press('Escape');
    await ben.page.getByRole('dialog').waitFor({ state: 'hidden' });
  },
);

interface Seen {
  readonly page: { evaluate: <T>(read: () => T) => Promise<T> };
}

function focused({ page }: Seen): Promise<string | undefined> {
  return page.evaluate(() => document.activeElement?.id);
}

function focusedLabel({ page }: Seen): Promise<string | null | undefined> {
  return page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
}

function overflow({ page }: Seen): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}
