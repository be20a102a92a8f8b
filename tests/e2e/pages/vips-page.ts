import type { Locator, Page } from 'playwright-core'

/** The VIPs page: who holds the addresses of a virtual router. */
export class VipsPage {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  router(name: string): Locator {
    return this.page.getByRole('region', { name, exact: true })
  }

  /** The router's card while this node, and it alone, holds every address. */
  holder(router: string, node: string): Locator {
    return this.router(router).getByText(`${node} holds it`, { exact: true })
  }
}
