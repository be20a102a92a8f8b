import type { Locator, Page } from 'playwright-core'

/** First run, Settings and Nodes: everything between an empty data folder and a fleet that answers. */
export class InventoryPages {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  get firstRun(): Locator {
    return this.page.getByRole('heading', { level: 1, name: 'No balancer yet' })
  }

  async addByForm(node: { host: string; id: string; user: string; identityFile: string }): Promise<void> {
    await this.page.getByRole('button', { name: /^Add a balancer/ }).click()
    const form = this.page.getByRole('dialog', { name: 'Add a balancer' })
    await form.getByLabel('Host', { exact: true }).fill(node.host)
    await form.getByLabel('Name', { exact: true }).fill(node.id)
    await form.getByLabel('Id', { exact: true }).fill(node.id)
    await form.getByLabel('User', { exact: true }).fill(node.user)
    await form.getByLabel('Authenticate with').selectOption('key')
    await form.getByLabel('Private key file').fill(node.identityFile)
    await form.getByRole('button', { name: 'Add and probe' }).click()
    await form.waitFor({ state: 'detached' })
  }

  /** On the Settings page. Returns what the check said it would do. */
  async importText(text: string, folder: string): Promise<string> {
    await this.page.getByRole('button', { name: /import.*file/i }).click()
    const dialog = this.page.getByRole('dialog', { name: 'Import an inventory' })
    await dialog.getByLabel('Inventory (YAML or JSON)').fill(text)
    await dialog.getByLabel('Folder that relative paths in it refer to').fill(folder)
    await dialog.getByRole('button', { name: 'Check' }).click()
    const result = (await dialog.getByRole('status').textContent()) ?? ''
    await dialog.getByRole('button', { name: 'Import', exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
    return result.trim()
  }

  /** On the Nodes page: shows the node. */
  async chooseNode(name: string): Promise<void> {
    const node = this.page.getByRole('list', { name: 'Nodes' }).getByRole('button', { name: new RegExp(`^${name}\\b`) })
    await node.click()
    await this.page.getByRole('heading', { level: 2, name }).waitFor()
  }

  /** The fingerprint that is offered; trusting it connects the node. */
  async trustKey(): Promise<string> {
    const fingerprint = await this.page
      .getByText(/SHA256:/)
      .first()
      .textContent()
    await this.page.getByRole('button', { name: 'Trust this key' }).click()
    await this.connected.waitFor()
    return fingerprint?.trim() ?? ''
  }

  get connected(): Locator {
    return this.page.getByText('connected', { exact: true }).first()
  }
}
