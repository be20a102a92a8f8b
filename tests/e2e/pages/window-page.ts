import { AxeBuilder } from '@axe-core/playwright'
import type { Locator, Page } from 'playwright-core'

export type PageName = 'Overview' | 'Pools' | 'Drains' | 'Nodes' | 'VIPs' | 'Config' | 'Drills' | 'History' | 'Settings'

/** The shell of the window: navigation, live indicator, what axe says of whatever is shown. */
export class WindowPage {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  async open(url: string): Promise<void> {
    await this.page.goto(url)
    await this.page.getByRole('navigation', { name: 'Pages' }).waitFor()
  }

  async reload(): Promise<void> {
    await this.page.reload()
    await this.page.getByRole('navigation', { name: 'Pages' }).waitFor()
  }

  async go(name: PageName): Promise<void> {
    await this.page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }).click()
    await this.page.getByRole('heading', { level: 1, name }).waitFor()
  }

  get status(): Locator {
    return this.page.getByRole('contentinfo')
  }

  /** Serious and critical findings, one line each with the element they are about. */
  async graveFindings(): Promise<string[]> {
    const { violations } = await new AxeBuilder({ page: this.page }).analyze()
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) =>
        nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary ?? ''}`),
      )
  }
}
