import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { DrainId, DrainView } from '#contract'
import { makeWorkplace, openConsole, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { waitUntil } from './run.ts'

const pair = ['lb1', 'lb2']
const [web1, web2] = ['edge/haproxy/be_web/web1', 'edge/haproxy/be_web/web2']
const patientlyMs = 30_000

let lab: Lab
let place: Workplace
let application: ConsoleOnLab | null = null

/** srv_admin_state of be_web's servers on each balancer of the pair, by name */
async function adminStates(): Promise<Record<string, string>[]> {
  const tables = pair.map((node) =>
    lab.exec(node, ['socat', '-t5', '-', 'UNIX-CONNECT:/run/haproxy/admin.sock'], { stdin: 'show servers state be_web\n' }),
  )
  return (await Promise.all(tables)).map(({ stdout }) =>
    Object.fromEntries([...stdout.matchAll(/^\d+ be_web \d+ (\S+) \S+ \d+ (\d+) /gm)].map(([, name, bits]) => [name, bits])),
  )
}

async function opened(): Promise<ConsoleOnLab> {
  application = await openConsole(place)
  await application.client.call('fleet.refresh', {})
  return application
}

async function until({ client }: ConsoleOnLab, drain: DrainId, what: string, isTrue: (view: DrainView) => boolean) {
  let view = await client.call('drain.get', { drain })
  await waitUntil(what, patientlyMs, async () => isTrue((view = await client.call('drain.get', { drain }))), 50)
  return view
}

describeLab('draining in waves on the lab', () => {
  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
  })
  beforeEach(async () => {
    place = makeWorkplace()
    const imported = await place.evenkeel('inventory', 'import', lab.inventoryFile)
    expect(imported, imported.stderr).toMatchObject({ code: 0 })
  })
  afterEach(async () => {
    await application?.close()
    application = null
    place.clear()
    await lab.restoreAll()
  })
  afterAll(() => lab.restoreAll())

  it('goes on by itself when HAProxy has seen the drained server go down and come back, also over a restart of the console', async () => {
    const before = await adminStates()
    const first = await opened()
    const waves = { size: 1, goOn: 'healthy' as const }
    const { id } = await first.client.call('drain.start', { targets: [web1, web2], reason: 'reboot', waves })
    await until(first, id, 'web1 is empty', ({ state }) => state === 'empty')
    expect((await adminStates()).map((each) => [each['web1'], each['web2']])).toEqual([
      ['8', '0'],
      ['8', '0'],
    ])
    await lab.stopBackend('b1')
    await until(first, id, 'both see it down', ({ places }) => places.every(({ wasDown }) => wasDown))
    await first.close()

    const second = await opened()
    const still = await until(second, id, 'it is read again', ({ places }) => places.every(({ health }) => health === 'down'))
    expect(still, 'down is not well').toMatchObject({ goal: 'out', endedAt: null })
    await lab.startBackend('b1')
    await until(second, id, 'web1 is back and web2 has begun', ({ state }) => state === 'ended')
    const [next] = await second.client.call('drain.list', { open: true, limit: 5 })
    expect(next).toMatchObject({ targets: [web2], follows: id, waves: { number: 2, of: 2 } })
    if (next === undefined) throw new Error('There is no second wave.')
    await until(second, next.id, 'web2 is empty', ({ state }) => state === 'empty')
    expect((await adminStates()).map((each) => [each['web1'], each['web2']])).toEqual([
      ['0', '8'],
      ['0', '8'],
    ])
    await second.client.call('drain.putBack', { drain: next.id })
    await until(second, next.id, 'it has ended', ({ state }) => state === 'ended')
    expect(await adminStates()).toEqual(before)
  })

  it('says before who sticks to a server: the cookie and its line, and the entries of the stick table that lead to it', async () => {
    const url = `http://${lab.topology.vips.core}/search`
    expect(await lab.exec('client', ['curl', '-sS', url])).toMatchObject({ code: 0 })
    const { client } = await opened()
    const shop = await client.call('drain.plan', { targets: ['edge/haproxy/be_shop/shop1'] })
    for (const { sticky } of shop.places) {
      expect(sticky).toMatchObject([{ kind: 'cookie', name: 'SRV=s1', file: '/etc/haproxy/haproxy.cfg', entries: null }])
      expect(sticky?.[0]?.written).toMatch(/^cookie SRV /)
    }
    const search = await client.call('drain.plan', {
      targets: ['core/haproxy/be_search/search1', 'core/haproxy/be_search/search2'],
      floor: { atLeast: 0, unit: 'servers' },
    })
    const tables = search.places.map(({ sticky }) => sticky?.find(({ kind }) => kind === 'table'))
    expect(tables.map((table) => [table?.name, table?.written])).toEqual(tables.map(() => ['be_search', 'stick on src']))
    const entries = tables.map((table) => table?.entries ?? 0)
    expect(
      entries.filter((count) => count > 0),
      'one client, on the balancer that has the address',
    ).toEqual([1])
    const lines = await place.evenkeel('drain', 'be_shop/shop1', '--dry-run')
    expect(lines.stdout).toContain('clients with SRV=s1 keep coming')
  })
})
