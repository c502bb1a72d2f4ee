import { expect, test } from 'vitest';
import { setTable } from './table.ts';

const table = setTable({ agent: 'none' });

test('starts a conversation with a name, and its link brings others in', async () => {
  const ada = await table.guest();
  await ada.page.goto(table.server.url);
  await ada.page.getByRole('button', { name: 'Start a conversation' }).click();
  await ada.page.getByText('Please say what to call you.').waitFor();
  await ada.page.getByLabel('Your name').fill('Ada');
  await ada.page.getByRole('button', { name: 'Start a conversation' }).click();
  await ada.isLive();
  const link = ada.page.url();
  expect(link).toMatch(/\/#\/c\/[a-z0-9]{24}$/);

  const ben = await table.guest();
  await ben.page.goto(table.server.url);
  await ben.page.getByLabel('Your name').fill('Ben');
  await ben.page.getByLabel('Or open one by its link').fill(link);
  await ben.page.getByRole('button', { name: 'Open' }).click();
  await ben.isLive();
  await ben.say('Hello from the link');
  await ada.sees('Hello from the link');
});

test('a message shows in both windows, in one order, with who is here and who is typing', async () => {
  const id = table.newId();
  const ada = await table.person('Ada', id);
  const ben = await table.person('Ben', id);
  await ada.page.getByRole('complementary', { name: 'People' }).getByText('Ben').waitFor();
  await ada.say('Tea or coffee?');
  await ben.sees('Tea or coffee?');
  await ben.field.pressSequentially('Te');
  await ada.page.getByText('Ben is typing…').waitFor();
  await ben.say('Tea.\nWith milk.');
  await ada.sees('Tea or coffee?', 'Tea.\nWith milk.');
  await ben.sees('Tea or coffee?', 'Tea.\nWith milk.');
  await ada.page.getByText('Ben is typing…').waitFor({ state: 'hidden' });
  await expect.poll(() => ada.page.getByText('Seen by Ben').count()).toBe(1);
  expect(await ada.draft('sending').count()).toBe(0);
  await ben.page.context().close();
  await ada.page.locator('.person-away', { hasText: 'Ben' }).waitFor();
  expect(ada.errors).toEqual([]);
});

test('an edit and a deletion show in both windows, and last', async () => {
  const id = table.newId();
  const ada = await table.person('Ada', id);
  const ben = await table.person('Ben', id);
  await ada.say('Saturdy');
  await ada.say('a mistake');
  await ben.sees('Saturdy', 'a mistake');

  await ada.act('Saturdy', 'Edit this message');
  await ada.page.getByRole('textbox', { name: 'Edit the message' }).fill('Saturday');
  await ada.page.getByRole('button', { name: 'Save' }).click();
  await ben.sees('Saturday', 'a mistake');
  await ben.message('Saturday').getByText('edited').waitFor();

  await ada.act('a mistake', 'Delete this message');
  await ada.page.getByRole('button', { name: 'Keep' }).click();
  await ada.act('a mistake', 'Delete this message');
  await ada.page.getByRole('button', { name: 'Delete', exact: true }).click();
  await ben.sees('Saturday', 'This message was deleted.');
  await ben.page.reload();
  await ben.sees('Saturday', 'This message was deleted.');
  await ada.sees('Saturday', 'This message was deleted.');
  expect(await ben.message('Saturday').getByRole('button', { name: /Edit/ }).count()).toBe(0);
});

test('a reply shows what it answers, also when that is far above', async () => {
  const id = table.newId();
  const ada = await table.person('Ada', id);
  const ben = await table.person('Ben', id);
  await ada.say('Who brings the blankets?');
  await ben.sees('Who brings the blankets?');
  await ada.say('And the tea?');
  await ben.sees('Who brings the blankets?', 'And the tea?');
  await ben.act('blankets', 'Reply to Ada');
  await ben.page.getByText('Reply to Ada').waitFor();
  await ben.say('I do.');
  const quote = ada.message('I do.').getByRole('button', { name: 'In reply to Ada' });
  await expect.poll(() => quote.textContent()).toContain('Who brings the blankets?');
});

test('after a reload everything is there, and one is who one was', async () => {
  const id = table.newId();
  const ada = await table.person('Ada', id);
  await ada.say('one');
  await ada.say('two');
  await ada.sees('one', 'two');
  await ada.page.reload();
  await ada.isLive();
  await ada.sees('one', 'two');
  await ada.act('one', 'Edit this message');
  await ada.page.getByRole('textbox', { name: 'Edit the message' }).fill('first');
  await ada.page.keyboard.press('Enter');
  await ada.sees('first', 'two');
  expect(await ada.page.locator('.person').count()).toBe(1);
});

test('what somebody typed is text, in messages, names, replies and titles', async () => {
  const id = table.newId();
  const evil = '<img src=x onerror="document.title=\'hacked\'"><script>alert(1)</script>';
  const ada = await table.person('<b>Ada</b>', id);
  const ben = await table.person('Ben', id);
  await ada.say(evil);
  await ben.sees(evil);
  await ben.act('onerror', 'Reply to <b>Ada</b>');
  await ben.say('What is this?');
  await ada.sees(evil, 'What is this?');
  for (const { page } of [ada, ben]) {
    expect(await page.locator('main img, main script, main b, header b, aside b').count()).toBe(0);
    expect(await page.title()).not.toContain('hacked');
  }
  expect(ada.errors).toEqual([]);
  expect(ben.errors).toEqual([]);
});

test('a message over the limit is counted, and cannot be sent', async () => {
  const ada = await table.person('Ada', table.newId());
  await ada.field.fill('x'.repeat(9_990));
  await ada.page.getByText('10 characters left').waitFor();
  await ada.field.fill('🧺'.repeat(10_001));
  await ada.page.getByText('1 characters too many').waitFor();
  expect(await ada.page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true);
});

test('nothing is loaded from another host', async () => {
  const ada = await table.guest();
  const hosts = new Set<string>();
  ada.page.on('request', (request) => hosts.add(new URL(request.url()).host));
  await ada.enter(table.server.url, table.newId(), 'Ada');
  await ada.say('Hello');
  await ada.sees('Hello');
  expect([...hosts]).toEqual([new URL(table.server.url).host]);
  expect(ada.errors).toEqual([]);
});
