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

  /** what is said of the draft that is open */
  get draftBar(): Locator {
    return this.page.getByRole('status').filter({ hasText: 'Draft' })
  }

  /** by keyboard, to one of the ways to look at a file */
  async turnTo(mode: 'File' | 'Form' | 'Changes' | 'Versions' | `Compare with ${string}`): Promise<void> {
    const radios = this.page.getByRole('radiogroup', { name: 'View' })
    const wanted = radios.getByRole('radio', { name: mode, exact: true })
    const all = await radios.getByRole('radio').all()
    await radios.locator('[tabindex="0"]').focus()
    for (let step = 0; step < all.length && (await wanted.getAttribute('aria-checked')) !== 'true'; step += 1) {
      await this.page.keyboard.press('ArrowRight')
    }
  }

  /** as often as it takes, and not without end */
  async undoWhile(typed: RegExp): Promise<void> {
    for (let step = 0; step < 20 && typed.test((await this.editor.textContent()) ?? ''); step += 1) {
      await this.editor.press('Control+z')
    }
  }

  /** Every file anew, once the reading before has ended: until then the button does nothing. */
  async readAgain(): Promise<void> {
    const button = this.page.getByRole('button', { name: 'Read again', disabled: false }).first()
    await button.waitFor()
    await button.press('Enter')
  }

  get activeLine(): Locator {
    return this.page.locator('.cm-activeLine')
  }
}
