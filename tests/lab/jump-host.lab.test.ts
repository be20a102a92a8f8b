import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { nodeOf, openConsole, makeWorkplace, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { waitUntil } from './run.ts'

/** lb2 reached through lb1, as an inventory says it; the way to the jump host stands in ~/.ssh/config. */
function throughLb1(lab: Lab): string {
  const ssh = { host: lab.node('lb2').management, user: 'root', identityFile: lab.userKey, knownHostsFile: lab.knownHosts }
  const proxyJump = `root@${lab.node('lb1').management}`
  return JSON.stringify({ version: 1, nodes: [{ id: 'lb2', name: 'lb2', ssh: { ...ssh, proxyJump } }] })
}

describeLab('a node behind a jump host', () => {
  let lab: Lab
  let workplace: Workplace
  let watching: ConsoleOnLab | undefined

  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    workplace = makeWorkplace()
    mkdirSync(join(workplace.home, '.ssh'), { mode: 0o700 })
    const jump = [`Host ${lab.node('lb1').management}`, `IdentityFile ${lab.userKey}`, `UserKnownHostsFile ${lab.knownHosts}`]
    writeFileSync(join(workplace.home, '.ssh/config'), `${jump.join('\n')}\n`)
    const inventory = join(workplace.home, 'inventory.json')
    writeFileSync(inventory, throughLb1(lab))
    const imported = await workplace.evenkeel('inventory', 'import', inventory)
    expect(imported, imported.stderr).toMatchObject({ code: 0 })
  })
  afterAll(async () => {
    await watching?.close()
    await lab.restoreAll()
    workplace.clear()
  })

  it('is read, and refused with both fingerprints once the jump host has another key', async () => {
    watching = await openConsole(workplace)
    const console = watching
    const state = async (): Promise<string> => nodeOf(await console.snapshot(), 'lb2').connection.state
    await waitUntil('lb2 is reached', 20_000, async () => (await state()) === 'connected')
    const sshd = await lab.exec('lb2', ['ss', '-Htn', 'state', 'established', '( sport = :22 )'])
    expect(sshd.stdout, 'the connection comes from lb1').toContain(`${lab.node('lb1').management}:`)

    await lab.replaceHostKey('lb1')
    await waitUntil('the way to lb2 is refused', 20_000, async () => (await state()) === 'refused')
    const { error } = nodeOf(await console.snapshot(), 'lb2').connection
    expect(error?.code).toBe('ssh.host-key-mismatch')
    expect(JSON.stringify(error), 'it says which hop').toContain(lab.node('lb1').management)
    expect(new Set(JSON.stringify(error).match(/SHA256:[A-Za-z0-9+/]{43}/g)).size).toBe(2)
  })
})
