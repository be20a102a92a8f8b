import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AdminLimits } from '../../src-main/app/ports/admin-limits.ts'
import { createHaproxyDriver } from '../../src-main/drivers/haproxy/driver.ts'
import { createKeepalivedDriver } from '../../src-main/drivers/keepalived/driver.ts'
import { createNginxDriver } from '../../src-main/drivers/nginx/driver.ts'
import { probeNodeFacts } from '../../src-main/drivers/linux/node-facts.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { describeLab } from './describe-lab.ts'
import { firstFree, type Instance } from './instance.ts'
import { openSessions, type LabSessions } from './lab-sessions.ts'
import { openLab, type Lab } from './lab.ts'
import { down, up } from './up-down.ts'

/** The node's own guard, over real sshd, on a node with systemd (`sd`) and on one without (`lb1`). */
describeLab('the guard of a push whose console is gone', () => {
  let instance: Instance
  let lab: Lab
  let sessions: LabSessions

  beforeAll(async () => {
    instance = firstFree(44)
    lab = openLab(instance, await up(instance, { systemd: true }))
    sessions = openSessions(lab, { user: 'root' })
  }, 180_000)
  afterAll(async () => {
    await sessions.close()
    await down(instance)
  }, 120_000)

  const limits = (): AdminLimits => ({ signal: new AbortController().signal, timeoutMs: 60_000, record: () => undefined })
  const sh = async (node: string, script: string): Promise<string> => {
    const { code, stdout, stderr } = await lab.exec(node, ['sh', '-c', script], { timeoutMs: 60_000 })
    if (code !== 0) throw new Error(`${script} on ${node} ended with ${code}: ${stderr}`)
    return stdout
  }
  const until = (node: string, command: string) =>
    sh(node, `i=0; until ${command}; do i=$((i+1)); [ $i -lt 150 ] || exit 1; sleep 0.2; done`)
  const drivers = {
    haproxy: createHaproxyDriver({ clock: systemClock }),
    nginx: createNginxDriver({ clock: systemClock }),
    keepalived: createKeepalivedDriver({ clock: systemClock }),
  }

  async function open(node: string, kind: keyof typeof drivers) {
    const session = await sessions.to(node, { ...limits(), force: true })
    const facts = await probeNodeFacts(session, limits())
    const detected = (await drivers[kind].detect(session, facts, {}, limits())) ?? expect.fail(`no ${kind} on ${node}`)
    return { session, admin: drivers[kind].bind(detected).configAdmin ?? expect.fail(`${kind} cannot be changed on ${node}`) }
  }

  async function push(node: string, kind: keyof typeof drivers, file: string, guardMs: number) {
    const { session, admin } = await open(node, kind)
    const { bytes, sha256 } = await session.readFile(file, { ...limits(), privileged: true, maxBytes: 65_536 })
    const changes = [{ path: file, expectSha256: sha256, after: Buffer.concat([bytes, Buffer.from('# pushed\n')]) }]
    expect(await admin.check(session, changes, limits())).toMatchObject({ accepted: true, how: 'bound' })
    const ticket = await admin.arm(session, changes, { guardMs, owner: 'kim@desk', reason: 'test' }, limits())
    await admin.replace(session, changes, ticket, limits())
    await admin.reload(session, changes, limits())
    return { session, admin, ticket, sha256 }
  }

  it.each([
    ['lb1', 'haproxy', '/etc/haproxy/haproxy.cfg'],
    ['sd', 'haproxy', '/etc/haproxy/haproxy.cfg'],
    ['sd', 'keepalived', '/etc/keepalived/keepalived.conf'],
  ] as const)('on %s puts %s back, and the next console reads so', async (node, kind, file) => {
    const { ticket, sha256 } = await push(node, kind, file, 12_000)
    await lab.stopService(node, 'sshd')
    await until(node, `[ -e ${ticket.dir}/done ]`)
    expect(await sh(node, `sha256sum < ${file}; pgrep -x ${kind} >/dev/null && cat ${ticket.dir}/done`)).toBe(
      `${sha256}  -\n0\n`,
    )
    await lab.startService(node, 'sshd')
    const { session, admin } = await open(node, kind)
    const [left] = await admin.standing(session, limits())
    expect(left).toMatchObject({ ticket: { id: ticket.id }, state: 'restored', owner: 'kim@desk' })
    expect(left?.log.match(/putting back/g)).toHaveLength(1)
    expect(left?.log).toMatch(new RegExp(`told ${kind} `))
    await expect(admin.confirm(session, ticket, limits())).rejects.toMatchObject({ code: 'daemon.not-confirmed' })
    await admin.restore(session, ticket, limits())
    expect(await admin.standing(session, limits())).toEqual([])
  })

  it.each(['lb1', 'sd'])('on %s does nothing once it is confirmed', async (node) => {
    const file = '/etc/haproxy/haproxy.cfg'
    const { session, admin, ticket, sha256 } = await push(node, 'haproxy', file, 600_000)
    expect(await admin.standing(session, limits())).toMatchObject([{ ticket, state: 'armed' }])
    await admin.confirm(session, ticket, limits())
    expect(await admin.standing(session, limits())).toEqual([])
    expect(await sh(node, `sha256sum < ${file}`)).not.toContain(sha256)
    const waiting = node === 'sd' ? 'systemctl list-units --all --no-legend "evenkeel-*"' : 'pgrep -f [/]var/lib/evenkeel || :'
    expect(await sh(node, waiting), 'nobody is left to act').toBe('')
  })
})
