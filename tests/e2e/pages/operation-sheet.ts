import type { Locator, Page } from 'playwright-core'

/** The sheet with the plan of an operation, then with its progress. */
export class OperationSheet {
  readonly sheet: Locator

  constructor(page: Page) {
    this.sheet = page.getByRole('dialog')
  }

  get commands(): Locator {
    return this.sheet.locator('pre')
  }

  async start(name: 'Drain' | 'Put back' | 'Set maintenance'): Promise<void> {
    await this.sheet.getByRole('button', { name, exact: true }).click()
  }

  /** Resolves when the operation has ended well: only then is its undo offered. */
  async ended(): Promise<void> {
    await this.sheet.getByRole('button', { name: 'Undo', exact: true }).waitFor()
  }

  async undo(): Promise<void> {
    await this.sheet.getByRole('button', { name: 'Undo', exact: true }).click()
    // once undone it cannot be undone again
    await this.sheet.getByRole('button', { name: 'Undo', exact: true }).waitFor({ state: 'detached' })
  }

  async close(): Promise<void> {
    // the cross in the corner bears the same name as the button below
    await this.sheet.getByRole('button', { name: 'Close', exact: true }).last().click()
    await this.sheet.waitFor({ state: 'detached' })
  }
}
