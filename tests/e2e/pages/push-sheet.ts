import type { Locator, Page } from 'playwright-core'

/** The sheet of a push: its plan, then the push itself. */
export class PushSheet {
  readonly page: Page
  readonly sheet: Locator

  constructor(page: Page) {
    this.page = page
    this.sheet = page.getByRole('dialog', { name: /^(Push|Take back|Move)/ })
  }

  /** By keyboard, with every draft there is. */
  async open(): Promise<void> {
    await this.page.getByRole('button', { name: /^Push…/ }).waitFor()
    await this.page.keyboard.press('Control+Enter')
    await this.sheet.waitFor()
  }

  lane(node: string, service: string): Locator {
    return this.sheet.getByRole('article', { name: `${node} ${service}` })
  }

  get reason(): Locator {
    return this.sheet.getByLabel('Reason', { exact: false })
  }

  /** Shorter than an operator would want it, so that a test ends. */
  async watchFor(seconds: number): Promise<void> {
    await this.sheet.locator('summary').filter({ hasText: 'Options' }).press('Enter')
    await this.sheet.getByLabel('Watch, seconds').fill(`${seconds}`)
  }

  /** Once nothing is in the way any more, with Enter as an operator in a hurry does. */
  async start(reason: string): Promise<void> {
    await this.reason.fill(reason)
    await this.sheet.locator('button:not([aria-disabled])').filter({ hasText: /^Push/ }).waitFor()
    await this.reason.press('Enter')
    await this.live.waitFor()
  }

  get live(): Locator {
    return this.sheet.getByRole('region', { name: /^Push of / })
  }

  /** What came of it, when it has ended. */
  async ended(state: 'succeeded' | 'taken back' | 'failed'): Promise<void> {
    await this.live.getByText(state, { exact: true }).first().waitFor({ timeout: 60_000 })
  }

  async close(): Promise<void> {
    await this.sheet.getByRole('button', { name: 'Close', exact: true }).last().click()
    await this.sheet.waitFor({ state: 'detached' })
  }
}
