import type { Locator, Page } from 'playwright-core'

/** The Pools page as an operator uses it: by names on the screen, by keys. */
export class PoolsPage {
  readonly page: Page
  readonly table: Locator
  readonly filter: Locator
  readonly drawer: Locator

  constructor(page: Page) {
    this.page = page
    this.table = page.getByRole('treegrid', { name: 'Pools and their servers' })
    this.filter = page.getByRole('textbox', { name: 'Filter servers' })
    this.drawer = page.getByRole('complementary', { name: /^Server / })
  }

  /** The row of a server, by its name. */
  row(server: string): Locator {
    return this.table.getByRole('row').filter({ has: this.page.getByRole('rowheader').getByText(server, { exact: true }) })
  }

  state(server: string): Locator {
    return this.row(server).getByRole('gridcell').first()
  }

  async filterBy(query: string): Promise<void> {
    await this.page.keyboard.press('Escape')
    await this.filter.fill(query)
    await this.filter.press('Enter')
  }

  async clearFilter(): Promise<void> {
    await this.page.getByRole('button', { name: 'Clear the filter' }).first().click()
  }

  async select(server: string): Promise<void> {
    await this.row(server).click()
    await this.page.getByRole('toolbar', { name: '1 selected' }).waitFor()
  }

  action(name: 'Drain' | 'Maintenance' | 'Put back'): Locator {
    return this.page.getByRole('toolbar').getByRole('button', { name })
  }
}
