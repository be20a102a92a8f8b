import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { FleetSnapshot } from '#contract'
import {
  cellOf,
  haproxyServers,
  haproxyWord,
  makeWorkplace,
  nodeOf,
  openConsole,
  routerOf,
  type ConsoleOnLab,
  type Workplace,
} from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { waitUntil } from './run.ts'

/** What `evenkeel servers --json` prints for one server, as far as these tests look at it. */
interface ServerRow {
  id: string
  pool: string
  name: string
  kind: 'haproxy' | 'nginx'
  state: string
  on: { node: string; state: string; word: string; weight: number | null; sessions: number | null; ageMs: number | null }[]
}

/** Upstream servers of templates/nginx.conf and nginx-site.conf, the same on every node. */
function nginxServers(lab: Lab): string[] {
  const [b1, b2, b3, b4, b5, b6] = lab.topology.backends.map(({ address }) => address)
  return [
    ...[b1, b2, b3].map((address) => `app/${address}:8000`),
    ...[b4, b5].map((address) => `portal/${address}:8000`),
    ...[b4, b5, b6].map((address) => `mq/${address}:8001`),
  ]
}

const nodeIds = ['lb1', 'lb2', 'lb3', 'lb4']
let lab: Lab
let workplace: Workplace

/** Import the lab's inventory with the command line, once. */
async function prepare(): Promise<void> {
  lab = await ensureLab()
  await lab.restoreAll()
  workplace = makeWorkplace()
  const imported = await workplace.evenkeel('inventory', 'import', lab.inventoryFile)
  expect(imported, imported.stderr).toMatchObject({ code: 0 })
}

async function servers(): Promise<ServerRow[]> {
  const { stdout } = await workplace.evenkeel('servers', '--json')
  return JSON.parse(stdout) as ServerRow[]
}

describeLab('the command line on the lab', () => {
  beforeAll(prepare)
  afterEach(() => lab.restoreAll())
  afterAll(() => workplace.clear())

  it('lists every server of HAProxy and nginx on all four nodes, with state, word, weight, sessions and age', async () => {
    const result = await workplace.evenkeel('servers', '--json')
    expect(result, result.stderr).toMatchObject({ code: 0, stderr: '' })
    const rows = JSON.parse(result.stdout) as ServerRow[]
    for (const node of nodeIds) {
      const listed = (kind: string): string[] =>
        rows
          .filter((row) => row.kind === kind && row.on.some((cell) => cell.node === node))
          .map((row) => `${row.pool}/${row.name}`)
      expect(listed('haproxy').sort()).toEqual((await haproxyServers(lab, node)).sort())
      expect(listed('nginx').sort()).toEqual(nginxServers(lab).sort())
    }
    for (const row of rows) {
      expect(row.on, row.id).toHaveLength(2)
      for (const cell of row.on) {
        expect(cell.state, row.id).not.toBe('unknown')
        expect(cell.word, row.id).not.toBe('')
        expect(cell.weight, row.id).toBeTypeOf('number')
        expect(cell.sessions, row.id).toBeTypeOf('number')
        expect(cell.ageMs, row.id).toBeLessThan(20_000)
      }
    }
    expect(rows.find((row) => row.name === 'api-1_v2.tyo:green')?.state).toBe('up')
    expect(rows.find((row) => row.name === 'orders4')?.state).toBe('maintenance')
    expect(rows.find((row) => row.name === 'static1')?.state).toBe('unchecked')
  })

  it('shows a stopped backend as down on both balancers, and up again', async () => {
    await lab.stopBackend('b2')
    const bothSay = (word: string) => async (): Promise<boolean> =>
      (await haproxyWord(lab, 'lb1', 'be_web/web2')) === word && (await haproxyWord(lab, 'lb2', 'be_web/web2')) === word
    await waitUntil('HAProxy says DOWN', 15_000, bothSay('DOWN'))
    const web2 = (await servers()).find((row) => row.id === 'edge/haproxy/be_web/web2')
    expect(web2).toMatchObject({
      state: 'down',
      on: [
        { state: 'down', word: 'DOWN' },
        { state: 'down', word: 'DOWN' },
      ],
    })

    await lab.startBackend('b2')
    await waitUntil('HAProxy says UP', 15_000, bothSay('UP'))
    expect((await servers()).find((row) => row.id === 'edge/haproxy/be_web/web2')).toMatchObject({ state: 'up' })
  })

  it('says which node could not be read and why, and reads the others', async () => {
    await lab.stopService('lb3', 'sshd')
    const result = await workplace.evenkeel('servers', '--json', '--timeout', '10')
    expect(result.code, 'the answer has holes').not.toBe(0)
    expect(result.stderr).toContain('lb3 was not read')
    const rows = JSON.parse(result.stdout) as ServerRow[]
    expect(rows.find((row) => row.id === 'edge/haproxy/be_web/web1')?.state).toBe('up')
    const orders1 = rows.find((row) => row.id === 'core/haproxy/be_orders/orders1')
    expect(orders1?.on.find((cell) => cell.node === 'lb4')?.state).toBe('up')
  })

  it('drains a server on both balancers and undoes it', async () => {
    const drained = await workplace.evenkeel('drain', 'edge/haproxy/be_web/web1', '--reason', 'kernel update', '--json')
    expect(drained, drained.stderr).toMatchObject({ code: 0 })
    for (const node of ['lb1', 'lb2']) expect(await haproxyWord(lab, node, 'be_web/web1')).toBe('DRAIN')
    expect(await haproxyWord(lab, 'lb1', 'be_shop/shop1'), 'the same machine in another pool is not touched').toBe('UP')

    const [job] = JSON.parse((await workplace.evenkeel('jobs', '--json')).stdout) as { id: string }[]
    const undone = await workplace.evenkeel('undo', job?.id ?? 'no job was listed')
    expect(undone, undone.stderr).toMatchObject({ code: 0 })
    expect((await workplace.evenkeel('drains')).stdout, 'the drain has ended with it').not.toContain('be_web/web1')
    for (const node of ['lb1', 'lb2']) expect(await haproxyWord(lab, node, 'be_web/web1')).toBe('UP')
    expect((await workplace.evenkeel('history')).stdout).toContain('web1')
  })
})

describeLab('the console watching the lab', () => {
  let watching: ConsoleOnLab
  beforeAll(prepare)
  beforeEach(async () => {
    watching = await openConsole(workplace)
    await until('all nodes are read', (now) => nodeIds.every((id) => nodeOf(now, id).services.filter(isRead).length === 3))
  })
  afterEach(async () => {
    await watching.close()
    await lab.restoreAll()
  })
  afterAll(() => workplace.clear())

  const isRead = (service: { readAt: number | null; error: unknown }): boolean =>
    service.readAt !== null && service.error === null

  /** Wait for a snapshot of which something is true; gives it back. */
  async function until(what: string, isTrue: (snapshot: FleetSnapshot) => boolean, timeoutMs = 30_000): Promise<FleetSnapshot> {
    let now = await watching.snapshot()
    await waitUntil(what, timeoutMs, async () => isTrue((now = await watching.snapshot())), 20)
    return now
  }

  /** True once a node's HAProxy has been asked after the moment `at`: the question, not the answer, was later. */
  function askedAfter(snapshot: FleetSnapshot, node: string, at: number): boolean {
    const haproxy = nodeOf(snapshot, node).services.find((service) => service.kind === 'haproxy')
    return (haproxy?.readAt ?? 0) - (haproxy?.costMs ?? 0) > at
  }

  it('shows a stopped backend as down in the very next reading', async () => {
    await lab.stopBackend('b1')
    await waitUntil('HAProxy says DOWN', 15_000, async () => (await haproxyWord(lab, 'lb1', 'be_web/web1')) === 'DOWN')
    const downAt = Date.now()
    const next = await until('lb1 is read once more', (now) => askedAfter(now, 'lb1', downAt))
    expect(cellOf(next, 'edge/haproxy/be_web/web1', 'lb1')).toMatchObject({ state: 'down', word: 'DOWN' })
    expect(cellOf(next, 'edge/haproxy/be_web/web2', 'lb1')).toMatchObject({ state: 'up' })
  })

  it('turns a node’s facts unknown when its sshd is gone, with reason and age, and keeps the others live', async () => {
    const before = await watching.snapshot()
    await lab.stopService('lb3', 'sshd')
    const gone = await until(
      'lb3 is unknown',
      (now) => cellOf(now, 'core/haproxy/be_orders/orders1', 'lb3')?.state === 'unknown',
    )
    const goneAt = Date.now()
    const lb3 = nodeOf(gone, 'lb3')
    expect(lb3.connection.state).not.toBe('connected')
    expect(lb3.connection.error?.message, 'the reason says where').toContain(lab.node('lb3').management)
    for (const service of lb3.services) {
      expect(service.readAt, 'the age of what was last known').toBeGreaterThanOrEqual(
        nodeOf(before, 'lb3').services.find(({ kind }) => kind === service.kind)?.readAt ?? Infinity,
      )
      expect(service.readAt).toBeLessThan(goneAt)
    }

    const later = await until('the others are read again', (now) =>
      ['lb1', 'lb2', 'lb4'].every((id) => askedAfter(now, id, goneAt)),
    )
    expect(cellOf(later, 'core/haproxy/be_orders/orders1', 'lb4')).toMatchObject({ state: 'up' })
    expect(later.servers.find(({ id }) => id === 'core/haproxy/be_orders/orders1')?.state, 'lb4 still vouches for it').toBe(
      'up',
    )
    expect(cellOf(later, 'core/haproxy/be_orders/orders1', 'lb3')).toMatchObject({ state: 'unknown' })

    await lab.startService('lb3', 'sshd')
    await until('lb3 is back by itself', (now) => cellOf(now, 'core/haproxy/be_orders/orders1', 'lb3')?.state === 'up', 50_000)
  })

  it('names the holder of the virtual address before, during and after a stop of keepalived', async () => {
    const held = (by: string) => (now: FleetSnapshot) =>
      routerOf(now, 'edge/VI_EDGE').holders.join() === by && routerOf(now, 'edge/VI_EDGE').verdict === 'held'
    await until('lb1 holds it', held('lb1'))
    await lab.stopService('lb1', 'keepalived')
    const during = await until('lb2 holds it', held('lb2'))
    expect(await lab.holders('edge')).toEqual(['lb2'])
    expect(routerOf(during, 'core/VI_CORE'), 'the other pair is not touched').toMatchObject({
      holders: ['lb3'],
      verdict: 'held',
    })

    await lab.startService('lb1', 'keepalived')
    const after = await until('lb1 holds it again', held('lb1'))
    expect(await lab.holders('edge')).toEqual(['lb1'])
    const lb1 = routerOf(after, 'edge/VI_EDGE').members.find(({ nodeId }) => nodeId === 'lb1')
    expect(lb1?.kernelAddresses).toContain(lab.topology.vips.edge)
    expect(JSON.stringify(after), 'the VRRP password is nowhere').not.toContain('labpass1')
  })

  it('reports two holders as two holders', async () => {
    await lab.cutAdverts('lb4')
    const split = await until('the pair is split', (now) => routerOf(now, 'core/VI_CORE').verdict === 'split-brain')
    expect([...routerOf(split, 'core/VI_CORE').holders].sort()).toEqual(['lb3', 'lb4'])
    expect(await lab.holders('core')).toEqual(['lb3', 'lb4'])
    expect(split.problems.find(({ kind }) => kind === 'split-brain')).toMatchObject({ severity: 'critical' })

    await lab.healAdverts('lb4')
    await until('one holds it', (now) => routerOf(now, 'core/VI_CORE').holders.join() === 'lb3')
  })

  it('refuses a changed host key with both fingerprints, and reads the others', async () => {
    const known = nodeOf(await watching.snapshot(), 'lb2').connection
    expect(known.state).toBe('connected')
    await lab.replaceHostKey('lb2')
    const refused = await until('lb2 is refused', (now) => nodeOf(now, 'lb2').connection.state === 'refused')
    const { error } = nodeOf(refused, 'lb2').connection
    expect(error?.code).toBe('ssh.host-key-mismatch')
    const fingerprints = new Set(JSON.stringify(error).match(/SHA256:[A-Za-z0-9+/]{43}/g))
    expect(fingerprints.size, 'the one that is known and the one that is offered').toBe(2)
    expect(cellOf(refused, 'edge/haproxy/be_web/web1', 'lb1')).toMatchObject({ state: 'up' })
  })
})
