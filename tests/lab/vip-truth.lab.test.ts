import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { FleetSnapshot, RouterView } from '#contract'
import { makeWorkplace, openConsole, routerOf, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { waitUntil } from './run.ts'

const edge = 'edge/VI_EDGE'
/** how often every node is read, counted from when a thing is true in the lab, until the console says so */
const pollsUntilSaid = 2

/** What goes wrong with a virtual address is named within two polls. The nodes are read when the test says so, and at no other time. */
describeLab('the truth about a virtual address', () => {
  let lab: Lab
  let workplace: Workplace
  let watching: ConsoleOnLab
  let vip: string

  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    vip = lab.topology.vips.edge
    workplace = makeWorkplace()
    const imported = await workplace.evenkeel('inventory', 'import', lab.inventoryFile)
    expect(imported.code, imported.stderr).toBe(0)
    watching = await openConsole(workplace)
    const settings = await watching.client.call('settings.get', {})
    await watching.client.call('settings.put', { ...settings, pollMs: 60_000 })
    await poll()
    await poll()
    expect(router(await watching.snapshot())).toMatchObject({ verdict: 'held', holders: ['lb1'] })
  }, 120_000)
  afterEach(async () => {
    await lab.restoreAll()
    for (let polls = 0; polls < pollsUntilSaid; polls += 1) await poll()
  }, 60_000)
  afterAll(async () => {
    await watching.close()
    workplace.clear()
  })

  const poll = () => watching.client.call('fleet.refresh', {})
  const router = (snapshot: FleetSnapshot): RouterView => routerOf(snapshot, edge)
  const holders = async (...nodes: string[]): Promise<void> =>
    waitUntil(`the address is on ${nodes.join(' and ') || 'no node'}`, 30_000, async () => {
      return (await lab.holders('edge')).join() === nodes.join()
    })
  const crash = (node: string) =>
    // frozen first: a child that sees its parent die before it is killed itself takes the address away
    lab.exec(node, ['sh', '-c', 'pkill -STOP -x keepalived; pkill -KILL -x keepalived; ! pgrep -x -r R,S,D,T keepalived'])

  /** What is said after two polls, with the problem of that name. */
  async function said(kind: string): Promise<RouterView> {
    for (let polls = 0; polls < pollsUntilSaid; polls += 1) await poll()
    const snapshot = await watching.snapshot()
    const names = snapshot.problems.filter((problem) => problem.router === edge).map((problem) => problem.kind)
    expect(names, JSON.stringify(router(snapshot), null, 1)).toContain(kind)
    return router(snapshot)
  }

  it('a crashed keepalived leaves a zombie, alone and beside the one that takes over', async () => {
    await crash('lb1')
    await poll()
    expect(router(await watching.snapshot()).verdict, 'at the first poll').toBe('zombie')
    await holders('lb1', 'lb2')
    const view = await said('zombie-vip')
    expect(view).toMatchObject({ verdict: 'zombie', holders: ['lb1', 'lb2'] })
    expect(view.members.map(({ daemonRunning }) => daemonRunning)).toEqual([false, true])
  })

  it('both stopped: nobody holds it', async () => {
    for (const node of ['lb2', 'lb1']) await lab.stopService(node, 'keepalived')
    await holders()
    expect(await said('no-owner')).toMatchObject({ verdict: 'no-owner', holders: [] })
  })

  it('adverts that do not arrive: two masters', async () => {
    await lab.cutAdverts('lb2')
    await holders('lb1', 'lb2')
    const view = await said('split-brain')
    expect(view).toMatchObject({ verdict: 'split-brain', holders: ['lb1', 'lb2'] })
    expect(view.members.map(({ state }) => state)).toEqual(['MASTER', 'MASTER'])
  })

  it('the address on a stranger, and on a node that is no member', async () => {
    const foreign = async (machine: string) => {
      const added = await lab.exec(machine, ['ip', 'addr', 'add', `${vip}/32`, 'dev', 'eth0'])
      expect(added.code, added.stderr).toBe(0)
      const { stdout } = await lab.exec(machine, ['ip', '-j', 'link', 'show', 'eth0'])
      return (JSON.parse(stdout) as { address: string }[])[0]?.address
    }
    const leave = (machine: string) => lab.exec(machine, ['ip', 'addr', 'del', `${vip}/32`, 'dev', 'eth0'])
    const mac = await foreign('client')
    try {
      const view = await said('duplicate-address')
      expect(view).toMatchObject({ verdict: 'duplicate', holders: ['lb1'] })
      expect(view.outsiders).toEqual([{ address: vip, nodeId: null, mac }])
      const seen = view.sightings.filter(({ how, seenFrom }) => how === 'arp' && seenFrom === 'lb2')
      expect(seen.map(({ nodeId }) => nodeId).sort(), 'both answer').toEqual(['lb1', null])
    } finally {
      await leave('client')
    }
    // a node that spoke with the stranger may remember it for longer than two polls
    await waitUntil('the stranger is forgotten', 60_000, async () => {
      await poll()
      return router(await watching.snapshot()).outsiders.length === 0
    })
    await foreign('lb3')
    try {
      const view = await said('duplicate-address')
      expect(view.outsiders).toMatchObject([{ address: vip, nodeId: 'lb3' }])
      const { code, stdout } = await workplace.evenkeel('vips', '--json')
      expect(code).toBe(1)
      const routers = JSON.parse(stdout) as RouterView[]
      expect(routers.find(({ id }) => id === edge)).toMatchObject({ verdict: 'duplicate', outsiders: [{ nodeId: 'lb3' }] })
    } finally {
      await leave('lb3')
    }
    await poll()
    await poll()
    expect(router(await watching.snapshot()).verdict).toBe('held')
  }, 150_000)

  it('all that moving about is flapping, and the history has every step of it', async () => {
    const view = await said('vip-flapping')
    expect(view).toMatchObject({ verdict: 'held', holders: ['lb1'] })
    const entries = await watching.client.call('history.list', { limit: 100, subject: edge, kinds: ['router.holder'] })
    const verdicts = entries.map(({ data }) => String(data['verdict'])).reverse()
    const inOrder = ['zombie', 'held', 'no-owner', 'held', 'split-brain', 'held', 'duplicate', 'held']
    const rest = verdicts.reduce<string[]>((left, verdict) => (verdict === left[0] ? left.slice(1) : left), inOrder)
    expect(rest, verdicts.join(' ')).toEqual([])
  })
})
