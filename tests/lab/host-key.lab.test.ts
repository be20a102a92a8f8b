import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { ErrorReply, FleetSnapshot } from '#contract'
import { cellOf, makeWorkplace, nodeOf, openConsole, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { moveIn, operatorAt } from './operator.ts'
import { run, waitUntil } from './run.ts'

const web1 = 'edge/haproxy/be_web/web1'
let lab: Lab
let place: Workplace
let application: ConsoleOnLab | null = null

/** `SHA256:…` of the only key that known_hosts has for a node, by OpenSSH's own reckoning. */
async function knownFingerprint(node: string): Promise<string> {
  const address = lab.node(node).management
  const line = readFileSync(lab.knownHosts, 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${address} `))
  return fingerprintOf(line?.slice(address.length + 1) ?? '')
}

/** @param key `ssh-ed25519 AAAA…` */
async function fingerprintOf(key: string): Promise<string> {
  return (await run(['ssh-keygen', '-lf', '-'], { stdin: `${key}\n` })).split(' ')[1] ?? ''
}

const knownHosts = (): string => join(place.home, 'known_hosts')
const editKnownHosts = (edit: (line: string) => string[]): void =>
  writeFileSync(knownHosts(), readFileSync(knownHosts(), 'utf8').split('\n').filter(Boolean).flatMap(edit).join('\n') + '\n')
const isOf =
  (node: string) =>
  (line: string): boolean =>
    line.startsWith(`${lab.node(node).management} `)

async function moveInAndImport(...change: Parameters<typeof moveIn> extends [unknown, unknown, ...infer Rest] ? Rest : never) {
  const file = moveIn(lab, place, ...change)
  const imported = await operatorAt(place).evenkeel('inventory', 'import', '--no-probe', file)
  expect(imported, imported.stderr).toMatchObject({ code: 0 })
}

async function until(what: string, isTrue: (snapshot: FleetSnapshot) => boolean): Promise<FleetSnapshot> {
  if (application === null) throw new Error('No console is open.')
  const { snapshot } = application
  let now = await snapshot()
  await waitUntil(what, 30_000, async () => isTrue((now = await snapshot())))
  return now
}

/** The other nodes are read again and again although one is refused. */
async function expectLive(nodes: readonly string[]): Promise<void> {
  const from = Date.now()
  await until(`${nodes.join(', ')} are read`, (now) =>
    nodes.every(
      (id) =>
        nodeOf(now, id).connection.state === 'connected' &&
        nodeOf(now, id).services.some(
          ({ kind, readAt, error }) => kind === 'haproxy' && error === null && (readAt ?? 0) > from,
        ),
    ),
  )
}

/** What `--json` says on stderr. */
const errorIn = ({ stderr }: { stderr: string }): ErrorReply => (JSON.parse(stderr) as { error: ErrorReply }).error

describeLab('host keys', () => {
  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
  })
  beforeEach(() => {
    place = makeWorkplace()
  })
  afterEach(async () => {
    await application?.close()
    application = null
    place.clear()
    await lab.restoreAll()
  })

  it('refuses a changed key with both fingerprints and what to do, and reads the other nodes', async () => {
    await moveInAndImport()
    const before = await knownFingerprint('lb2')
    const now = await fingerprintOf(await lab.replaceHostKey('lb2'))
    expect(now).not.toBe(before)

    const probed = await place.evenkeel('probe', 'lb2')
    expect(probed.code, probed.stderr).toBe(4)
    for (const said of [before, now, knownHosts(), 'has changed', 'only then trust']) expect(probed.stderr).toContain(said)

    const operator = operatorAt(place, 'yes')
    const trusted = await operator.evenkeel('trust', 'lb2', '--fingerprint', now)
    expect(trusted.code, 'a changed key is not trusted, even by its right fingerprint').toBe(4)
    expect(operator.questions, 'and nobody is asked').toEqual([])
    const listed = await operator.evenkeel('servers', '--json')
    expect(listed.code, 'the answer has holes').toBe(3)
    expect(listed.stderr).toContain('lb2 was not read')

    application = await openConsole(place)
    const refused = await until('lb2 is refused', (snapshot) => nodeOf(snapshot, 'lb2').connection.state === 'refused')
    expect(nodeOf(refused, 'lb2').connection.error).toMatchObject({
      code: 'ssh.host-key-mismatch',
      details: { host: lab.node('lb2').management, port: 22, hop: 0, fingerprint: now, expected: [before] },
    })
    await expectLive(['lb1', 'lb3', 'lb4'])
    const later = await application.snapshot()
    expect(cellOf(later, web1, 'lb1')).toMatchObject({ state: 'up' })
    expect(cellOf(later, web1, 'lb2')?.state ?? 'unknown').toBe('unknown')
    await expect(application.client.call('node.probe', { node: 'lb2' as never })).rejects.toMatchObject({
      reply: { code: 'ssh.host-key-mismatch', details: { fingerprint: now, expected: [before] } },
    })
    expect(await application.client.call('node.trustedKeys', {}), 'nothing was trusted on the way').toEqual([])
  })

  it('refuses a jump host whose key changed, and with it the node behind it', async () => {
    const jump = `root@${lab.node('lb1').management}`
    await moveInAndImport((node) => (node.id === 'lb2' ? { ...node, ssh: { ...node.ssh, proxyJump: jump } } : node))
    const operator = operatorAt(place)
    expect(await operator.evenkeel('probe', 'lb2'), 'the way over the jump host works').toMatchObject({ code: 0 })

    const before = await knownFingerprint('lb1')
    const now = await fingerprintOf(await lab.replaceHostKey('lb1'))
    const probed = await operator.evenkeel('probe', 'lb2', '--json')
    expect(probed.code, probed.stderr).toBe(4)
    const error = errorIn(probed)
    expect(error).toMatchObject({
      code: 'ssh.host-key-mismatch',
      details: { host: lab.node('lb1').management, hop: 0, fingerprint: now, expected: [before] },
    })
    for (const said of [before, now, 'the jump host on the way to', lab.node('lb2').management]) {
      expect(error.message).toContain(said)
    }

    application = await openConsole(place)
    await until('both are refused', (snapshot) =>
      ['lb1', 'lb2'].every((id) => nodeOf(snapshot, id).connection.error?.code === 'ssh.host-key-mismatch'),
    )
    await expectLive(['lb3', 'lb4'])
  })

  it('asks about an unknown key once, and trusts exactly that key', async () => {
    await moveInAndImport()
    editKnownHosts((line) => (isOf('lb2')(line) ? [] : [line]))
    const fingerprint = await knownFingerprint('lb2')
    const nobody = operatorAt(place)
    const unknown = await nobody.evenkeel('probe', 'lb2', '--json')
    expect(unknown.code).toBe(4)
    expect(errorIn(unknown)).toMatchObject({ code: 'ssh.host-key-unknown', details: { fingerprint, expected: [] } })
    expect(errorIn(unknown).message).toContain(fingerprint)

    const inScript = await nobody.evenkeel('trust', 'lb2')
    expect(inScript, 'nobody to ask: not trusted').toMatchObject({ code: 4 })
    expect(inScript.stderr).toContain('--fingerprint')
    const wrong = await nobody.evenkeel('trust', 'lb2', '--fingerprint', await knownFingerprint('lb1'))
    expect(wrong, 'the key of another machine').toMatchObject({ code: 4 })
    expect(await operatorAt(place, 'no').evenkeel('trust', 'lb2'), 'declined').toMatchObject({ code: 4 })
    expect(await nobody.evenkeel('probe', 'lb2'), 'still not trusted').toMatchObject({ code: 4 })

    const operator = operatorAt(place, 'yes')
    const trusted = await operator.evenkeel('trust', 'lb2')
    expect(trusted, trusted.stderr).toMatchObject({ code: 0 })
    expect(trusted.stderr, 'what is agreed to is shown').toContain(fingerprint)
    expect(await operator.evenkeel('trust', 'lb2'), 'the second time there is nothing to ask').toMatchObject({ code: 0 })
    expect(operator.questions).toHaveLength(1)
    expect(await nobody.evenkeel('probe', 'lb2')).toMatchObject({ code: 0 })

    application = await openConsole(place)
    await expectLive(['lb1', 'lb2', 'lb3', 'lb4'])
    const [pinned, ...others] = await application.client.call('node.trustedKeys', {})
    expect(others).toEqual([])
    expect(pinned).toMatchObject({ host: lab.node('lb2').management, port: 22, fingerprint })
    const told = await application.client.call('history.list', { limit: 10, kinds: ['host-key.trusted'] })
    expect(told).toMatchObject([{ data: { fingerprint } }])

    // what was trusted is that key, not whatever the host offers
    const now = await fingerprintOf(await lab.replaceHostKey('lb2'))
    const refused = await until('the next key is refused', (snapshot) => nodeOf(snapshot, 'lb2').connection.state === 'refused')
    expect(nodeOf(refused, 'lb2').connection.error).toMatchObject({
      code: 'ssh.host-key-mismatch',
      details: { fingerprint: now, expected: [fingerprint] },
    })
    await expectLive(['lb1', 'lb3', 'lb4'])
  })

  it('refuses a revoked key, however well known it is', async () => {
    await moveInAndImport()
    editKnownHosts((line) => (isOf('lb3')(line) ? [line, `@revoked * ${line.split(' ').slice(1).join(' ')}`] : [line]))
    const operator = operatorAt(place, 'yes')
    const fingerprint = await knownFingerprint('lb3')
    for (const command of ['probe', 'trust']) {
      const refused = await operator.evenkeel(command, 'lb3', '--json')
      expect(refused.code, command).toBe(4)
      expect(errorIn(refused)).toMatchObject({ code: 'ssh.host-key-revoked', details: { fingerprint } })
      expect(errorIn(refused).message).toContain(`${knownHosts()}:`)
    }
    expect(operator.questions).toEqual([])

    application = await openConsole(place)
    await until('lb3 is refused', (snapshot) => nodeOf(snapshot, 'lb3').connection.state === 'refused')
    await expectLive(['lb1', 'lb2', 'lb4'])
  })
})
