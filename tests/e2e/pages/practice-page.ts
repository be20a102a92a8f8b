import type { Locator, Page } from 'playwright-core'

/** The practice fleet's door, its bar under the title bar, and what opens from it. */
export class PracticePage {
  readonly page: Page
  readonly bar: Locator

  constructor(page: Page) {
    this.page = page
    this.bar = page.getByRole('region', { name: 'Practice bar' })
  }

  get door(): Locator {
    return this.page.getByRole('button', { name: /^Open the practice fleet/ })
  }

  /** What is waited for between the door and a fleet that is worth looking at. */
  get opening(): Locator {
    return this.page.getByRole('region', { name: 'Opening the practice fleet' })
  }

  get load(): Locator {
    return this.bar.getByRole('button', { name: /^Clients/ })
  }

  /** How many requests were answered so far, as the bar says. */
  async answered(): Promise<number> {
    const text = (await this.load.textContent()) ?? ''
    return Number(/([\d\u2009]+) ok/.exec(text)?.[1]?.replaceAll('\u2009', ''))
  }

  async openLoad(): Promise<Locator> {
    await this.load.click()
    return this.page.getByRole('dialog', { name: /^Clients/ })
  }

  async makeTrouble(name: string, target: string): Promise<void> {
    const menu = await this.openTroubles()
    await menu.locator('label').getByText(name, { exact: true }).click()
    await menu.getByRole('combobox').selectOption(target)
    await menu.getByRole('button', { name: 'Make it happen' }).click()
    await menu.waitFor({ state: 'detached' })
  }

  async openTroubles(): Promise<Locator> {
    await this.bar.getByRole('button', { name: 'Make trouble' }).click()
    return this.page.getByRole('dialog', { name: 'Make trouble' })
  }

  chip(name: string, target: string): Locator {
    return this.bar.getByRole('listitem').filter({ hasText: `${name} ${target}` })
  }

  async putRight(name: string, target: string): Promise<void> {
    await this.chip(name, target).getByRole('button').click()
    await this.chip(name, target).waitFor({ state: 'detached' })
  }

  async close(): Promise<void> {
    await this.bar.getByRole('button', { name: 'Close', exact: true }).click()
    await this.page.getByRole('button', { name: 'Close the practice fleet' }).click()
    await this.bar.waitFor({ state: 'detached' })
  }
}
