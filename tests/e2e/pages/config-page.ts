import type { Locator, Page } from 'playwright-core'

/** The Config page: the tree of files, the editor in its shadow root, findings, outline and comparison. */
export class ConfigPage {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  get tree(): Locator {
    return this.page.getByRole('navigation', { name: 'Files by pair and node' })
  }

  /** the row of a node's file */
  file(node: string, name: string): Locator {
    const place = this.page.getByRole('heading', { level: 3, name: node }).locator('..')
    return this.tree.locator(place).getByRole('button', { name: new RegExp(`^${name}`) })
  }

  get editor(): Locator {
    return this.page.getByRole('textbox', { name: /^\// })
  }

  get side(): Locator {
    return this.page.getByRole('complementary', { name: 'About this file' })
  }

  get search(): Locator {
    return this.page.getByRole('searchbox', { name: 'Search in all files' })
  }

  get activeLine(): Locator {
    return this.page.locator('.cm-activeLine')
  }
}
