import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { DrillReadiness, FaultKind, RouterId } from '#contract'
import { exhaustive } from '../exhaustive.ts'
import { brokenStandbys, certificate, certificateFor, healthyPairs, type BrokenStandby } from './broken-standbys.ts'
import { makeWorkplace, openConsole, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { waitUntil } from './run.ts'

const members = ['lb1', 'lb2'] as const
const keepalivedFile = '/etc/keepalived/keepalived.conf'

describeLab('readiness of a standby', () => {
  let lab: Lab
  let workplace: Workplace
  let watching: ConsoleOnLab

  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    await sh('lb1', certificateFor(365))
    const { stdout: pem } = await lab.exec('lb1', ['cat', certificate])
    await lab.exec('lb2', ['sh', '-c', `cat >${certificate}`], { stdin: pem })
    for (const node of members) {
      await sh(
        node,
        `printf '%s\\n' '' 'frontend fe_tls' '    bind *:8443 ssl crt ${certificate}' '    default_backend be_web' >>/etc/haproxy/haproxy.cfg`,
      )
      await reload(node, 'haproxy')
    }
    workplace = makeWorkplace()
    const imported = await workplace.evenkeel('inventory', 'import', lab.inventoryFile)
    expect(imported.code, imported.stderr).toBe(0)
    watching = await openConsole(workplace)
    const settings = await watching.client.call('settings.get', {})
    await watching.client.call('settings.put', { ...settings, pollMs: 60_000 })
  }, 120_000)
  afterAll(async () => {
    await watching.close()
    workplace.clear()
    await lab.restoreAll()
  }, 60_000)

  async function sh(machine: string, script: string): Promise<void> {
    const { code, stderr } = await lab.exec(machine, ['sh', '-ec', filled(script)])
    expect(code, `${script} on ${machine}: ${stderr}`).toBe(0)
  }
  const filled = (text: string): string =>
    text.replaceAll('@VIP@', lab.topology.vips.edge).replaceAll('@B1@', lab.topology.backends[0]?.address ?? '')

  /** Resolves when HAProxy's new worker listens, or when keepalived has been told; what it says is asked for afterwards. */
  async function reload(node: string, daemon: 'haproxy' | 'keepalived'): Promise<void> {
    if (daemon === 'keepalived') return sh(node, 'kill -HUP $(cat /run/keepalived.pid)')
    const worker = async () => (await lab.exec(node, ['pgrep', '-n', '-x', 'haproxy'])).stdout.trim()
    const before = await worker()
    await sh(node, 'kill -USR2 $(cat /run/haproxy.pid)')
    await waitUntil(`${node} has a new worker`, 20_000, async () => (await worker()) !== before)
  }

  async function judged(fault: FaultKind = 'priority-drop', router = 'edge/VI_EDGE'): Promise<DrillReadiness> {
    await watching.client.call('fleet.refresh', {})
    return watching.client.call('drills.readiness', { router: router as RouterId, fault })
  }

  /** A file's times stay, since they tell what was loaded: the edit is of later, whatever the machine's pace, and the way back is of before. */
  const edited = (node: string, path: string, expression: string): Promise<void> =>
    sh(node, `cp -a ${path} /run/kept; sed -i '${expression}' ${path}; touch -d '1 minute' ${path}`)
  const putBack = (node: string, path: string): Promise<void> => sh(node, `cp -a /run/kept ${path}`)

  async function breakIt({ edit, reload: daemon, script, service }: BrokenStandby): Promise<() => Promise<void>> {
    const where = daemon === 'keepalived' ? members : (['lb2'] as const)
    if (edit) for (const node of where) await edited(node, edit.path, edit.sed)
    if (daemon === 'haproxy') await sh('lb2', 'touch -d "1 minute ago" /etc/haproxy/haproxy.cfg')
    if (daemon) await Promise.all(where.map((node) => reload(node, daemon)))
    if (script) await sh(script.on ?? 'lb2', script.do)
    if (service) await lab.stopService('lb2', service)
    return async () => {
      if (service) {
        await lab.startService('lb2', service)
        // a daemon that is still starting may miss what the next one breaks, such as a tracked file that changes before it is watched
        await untilBlockedBy([])
      }
      if (script) await sh(script.on ?? 'lb2', script.undo)
      if (edit) for (const node of where) await putBack(node, edit.path)
      if (daemon) await Promise.all(where.map((node) => reload(node, daemon)))
    }
  }

  const blocking = ({ findings }: DrillReadiness): string[] =>
    [...new Set(findings.flatMap(({ blocking: blocks, rule }) => (blocks ? [rule] : [])))].sort()

  /** Daemons notice by their own checks, a moment later. */
  async function untilBlockedBy(rules: readonly string[], fault?: FaultKind): Promise<DrillReadiness> {
    let now = await judged(fault)
    await waitUntil(rules.join(' and ') || 'nothing', 25_000, async () => {
      if (blocking(now).join() === rules.join()) return true
      now = await judged(fault)
      return false
    }).catch(() => undefined) // the assertion shows what there is instead
    expect(blocking(now), JSON.stringify(now.findings, null, 1)).toEqual(rules)
    return now
  }

  // what was broken must be mended before the next one is, however slow the machine
  vi.setConfig({ testTimeout: 150_000 })

  it.each(healthyPairs.filter(({ sed }) => exhaustive || sed === undefined))('passes $name', async ({ router, fault, sed }) => {
    if (sed !== undefined) {
      for (const node of members) await edited(node, keepalivedFile, sed)
      await Promise.all(members.map((node) => reload(node, 'keepalived')))
    }
    try {
      const now = await judged(fault, router)
      expect(blocking(now), JSON.stringify(now.findings, null, 1)).toEqual([])
      expect(now).toMatchObject({ ready: true, standbys: { length: 1 } })
    } finally {
      if (sed !== undefined) {
        for (const node of members) await putBack(node, keepalivedFile)
        await Promise.all(members.map((node) => reload(node, 'keepalived')))
      }
    }
  })

  it.each(brokenStandbys.filter(({ long }) => exhaustive || long === undefined))('refuses $name', async (broken) => {
    const mend = await breakIt(broken)
    try {
      const now = await untilBlockedBy(broken.rules, broken.fault)
      expect(now.ready).toBe(false)
    } finally {
      await mend()
    }
  })

  it('is well again, and says so on the command line', async () => {
    await untilBlockedBy([])
    const asked = await workplace.evenkeel('drill', 'readiness', lab.topology.vips.edge, '--json')
    expect(asked.code, asked.stderr).toBe(0)
    expect(JSON.parse(asked.stdout)).toMatchObject({ router: 'edge/VI_EDGE', active: 'lb1', standbys: ['lb2'], ready: true })
    const refused = await workplace.evenkeel('drill', 'readiness', 'VI_EDGE', '--fault', 'balancer-hang')
    expect(refused.code).toBe(1)
    expect(refused.stdout).toContain('STOP vrrp.moves-nothing')
  }, 120_000)
})
