import type { Locator, Page } from 'playwright-core'

/** The sheet of a new drill: the catalogue, the plan, its dry run. */
export class DrillSheet {
  readonly page: Page
  readonly sheet: Locator

  constructor(page: Page) {
    this.page = page
    this.sheet = page.getByRole('dialog', { name: 'New drill' })
  }

  async open(): Promise<void> {
    await this.page.getByRole('button', { name: 'New drill…' }).press('Enter')
    await this.sheet.waitFor()
  }

  /** Chooses what is rehearsed, and waits for the plan that is proposed. */
  async choose(router: RegExp, fault: string): Promise<void> {
    const routers = this.sheet.getByLabel('Virtual router')
    const label = await routers.locator('option').filter({ hasText: router }).first().textContent()
    await routers.selectOption({ label: label?.trim() ?? '' })
    await this.sheet.getByRole('radio', { name: new RegExp(`^${fault}`) }).press('Space')
    await this.plan.waitFor()
  }

  get plan(): Locator {
    return this.sheet.getByLabel('Plan', { exact: true })
  }

  /** Types over the plan; what it says then is dry-run again. */
  async edit(change: (plan: string) => string): Promise<void> {
    await this.plan.fill(change(await this.plan.inputValue()))
  }

  /** The plan at set times instead of now. */
  async schedule({ cron, blocked, reason }: { cron: string; blocked: string; reason: string }): Promise<void> {
    await this.sheet.getByText('Carry it out at set times instead').press('Enter')
    await this.sheet.getByLabel('When', { exact: true }).fill(cron)
    await this.sheet.getByLabel('Never', { exact: true }).fill(blocked)
    await this.sheet.getByLabel('Why it is scheduled').fill(reason)
    await this.sheet.getByRole('button', { name: 'Schedule' }).press('Enter')
  }

  async start(node: string, reason: string): Promise<void> {
    await this.sheet.getByLabel(`Type ${node} to put the fault there`).fill(node)
    await this.sheet.getByLabel('Reason').fill(reason)
    await this.sheet.getByLabel('Reason').press('Enter')
    await this.sheet.waitFor({ state: 'detached' })
  }
}
