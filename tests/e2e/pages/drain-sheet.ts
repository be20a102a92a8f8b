import type { Locator, Page } from 'playwright-core'

/** The sheet of a drain: its plan, then the drain itself. */
export class DrainSheet {
  readonly sheet: Locator

  constructor(page: Page) {
    this.sheet = page.getByRole('dialog', { name: /^Drain / })
  }

  get commands(): Locator {
    return this.sheet.locator('article pre')
  }

  get reason(): Locator {
    return this.sheet.getByLabel('Reason, shown to whoever finds it drained')
  }

  get startButton(): Locator {
    return this.sheet.getByRole('button', { name: /^Drain/ })
  }

  /** What opens the folded wishes. */
  get options(): Locator {
    return this.sheet.locator('summary').filter({ hasText: 'Options' })
  }

  /** The plan is there; says why, and starts with Enter as an operator in a hurry does. */
  async start(reason: string): Promise<void> {
    await this.commands.first().waitFor()
    await this.reason.fill(reason)
    await this.sheet
      .locator('button:not([aria-disabled])')
      .filter({ hasText: /^Drain/ })
      .waitFor()
    await this.reason.press('Enter')
    await this.live.waitFor()
  }

  /** The live panel, once it was started. */
  get live(): Locator {
    return this.sheet.getByRole('region', { name: /^Drain of / })
  }

  async close(): Promise<void> {
    await this.sheet.getByRole('button', { name: 'Close', exact: true }).last().click()
    await this.sheet.waitFor({ state: 'detached' })
  }
}
