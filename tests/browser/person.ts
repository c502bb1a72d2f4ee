import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

/** Somebody at a page: what they do, and what they see. */
export class Person {
  readonly page: Page;
  readonly errors: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on('pageerror', (error) => this.errors.push(String(error)));
    page.on('console', (message) => {
      // A refused connection is logged by the browser itself; a policy that was broken is, too, and counts.
      const isOurs = message.type() === 'error' && !message.text().includes('WebSocket connection');
      if (isOurs) this.errors.push(message.text());
    });
  }

  /** Opens a conversation by its link and says who they are. */
  async enter(url: string, id: string, name: string): Promise<void> {
    await this.page.goto(`${url}/#/c/${id}`);
    await this.page.getByLabel('Your name').fill(name);
    await this.page.getByRole('button', { name: 'Join the conversation' }).click();
    await this.isLive();
  }

  /** The conversation is open, and nothing stands between. */
  async isLive(): Promise<void> {
    await this.field.waitFor();
    await this.page.locator('[data-connection="online"]:empty').waitFor({ state: 'attached' });
  }

  get field(): Locator {
    return this.page.getByRole('textbox', { name: 'Message', exact: true });
  }

  /** The messages that are in the conversation, in the order they are shown. */
  get messages(): Locator {
    return this.page.locator('[data-seq]');
  }

  message(text: string): Locator {
    return this.messages.filter({ hasText: text });
  }

  get banner(): Locator {
    return this.page.getByRole('status');
  }

  draft(state: string): Locator {
    return this.page.locator(`[data-draft="${state}"]`);
  }

  get turn(): Locator {
    return this.page.locator('[data-turn]');
  }

  async say(text: string): Promise<void> {
    await this.field.fill(text);
    await this.field.press('Enter');
  }

  /** What the messages say, without names and times. */
  texts(): Promise<string[]> {
    return this.messages.locator('.content').allInnerTexts();
  }

  async sees(...texts: string[]): Promise<void> {
    await expect.poll(() => this.texts()).toEqual(texts);
  }

  /** Presses a button of a message that shows when it is pointed at. */
  async act(on: string, button: string | RegExp): Promise<void> {
    await this.message(on).hover();
    await this.message(on).getByRole('button', { name: button }).click();
  }
}
