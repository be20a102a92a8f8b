import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { DrainView, InputOf } from '#contract'
import { makeWorkplace, openConsole, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { waitUntil } from './run.ts'

const config = '/etc/haproxy/haproxy.cfg'
const pair = ['lb1', 'lb2']

let lab: Lab
let places: Workplace[]
let consoles: ConsoleOnLab[]

const onNode = async (node: string, script: string): Promise<string> =>
  (await lab.exec(node, ['sh', '-c', script], { timeoutMs: 30_000 })).stdout
const runtime = (node: string, command: string): Promise<string> =>
  onNode(node, `echo '${command}' | socat -t5 - UNIX-CONNECT:/run/haproxy/admin.sock`)

/** Every server of the pair: administrative state and weight, with the columns that tell which one it is. */
const serversState = (): Promise<string[]> =>
  Promise.all(pair.map((node) => onNode(node, `echo 'show servers state' | socat -t5 - UNIX-CONNECT:/run/haproxy/admin.sock | cut -d' ' -f2,4,5,7-9`))) // prettier-ignore
const adminState = async (node: string, server: string): Promise<string | undefined> => {
  const [pool, name] = server.split('/')
  const table = await runtime(node, `show servers state ${pool}`)
  return table.split('\n').find((line) => line.split(' ')[3] === name)?.split(' ')[6] // prettier-ignore
}

async function newPlace(): Promise<Workplace> {
  const place = makeWorkplace()
  places.push(place)
  const imported = await place.evenkeel('inventory', 'import', lab.inventoryFile)
  expect(imported, imported.stderr).toMatchObject({ code: 0 })
  return place
}

async function opened(place: Workplace): Promise<ConsoleOnLab> {
  const console = await openConsole(place)
  consoles.push(console)
  for (const node of pair) await console.client.call('fleet.refresh', { node: node as never })
  return console
}

async function closed(console: ConsoleOnLab): Promise<void> {
  consoles = consoles.filter((each) => each !== console)
  await console.close()
}

const start = ({ client }: ConsoleOnLab, servers: string[], over: Partial<InputOf<'drain.start'>> = {}): Promise<DrainView> =>
  client.call('drain.start', { targets: servers.map((server) => `edge/haproxy/${server}`), reason: 'kernel update', ...over })

async function until(
  { client }: ConsoleOnLab,
  { id }: DrainView,
  what: string,
  isTrue: (view: DrainView) => boolean,
): Promise<DrainView> {
  let view = await client.call('drain.get', { drain: id })
  const isSo = async (): Promise<boolean> => isTrue((view = await client.call('drain.get', { drain: id })))
  await waitUntil(what, 30_000, isSo).catch((error: Error) => {
    throw new Error(`${error.message} ${JSON.stringify({ ...view, forecast: null, outcome: null })}`)
  })
  return view
}
const isOut = ({ places: all }: DrainView): boolean => all.every(({ phase }) => phase === 'in-force')

async function putBack(console: ConsoleOnLab, drain: DrainView): Promise<DrainView> {
  await console.client.call('drain.putBack', { drain: drain.id })
  return until(console, drain, 'it has ended', ({ state }) => state === 'ended')
}

const kindsOf = async ({ client }: ConsoleOnLab, { id }: DrainView): Promise<string[]> =>
  (await client.call('history.list', { limit: 50, subject: id })).map(({ kind }) => kind).reverse()

describeLab('a drain in trouble', () => {
  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
  })
  beforeEach(() => {
    places = []
    consoles = []
  })
  afterEach(async () => {
    for (const console of consoles) await console.close()
    for (const place of places) place.clear()
    await lab.restoreAll()
  })

  // nobody sticks to it: it stays drained when it is empty
  it.each<[what: string, node: string, undo: string]>([
    ['a reload by signal', 'lb1', 'kill -USR2 "$(cat /run/haproxy.pid)"'],
    ['a reload through the master', 'lb2', `echo reload | socat -t5 - UNIX-CONNECT:/run/haproxy-master.sock`],
    [
      'a crash and a restart',
      'lb1',
      'kill -KILL "$(cat /run/haproxy.pid)"; for try in $(seq 100); do [ -z "$(pidof haproxy)" ] && break; sleep 0.1; done; /lab/service haproxy start',
    ],
    [
      'a hand',
      'lb2',
      `echo 'set server be_static/static1 state ready; set server be_static/static1 weight 4' | socat -t5 - UNIX-CONNECT:/run/haproxy/admin.sock`,
    ],
  ])('is set again after %s on %s, and the history has the violation and the repair', async (_what, node, undo) => {
    const before = await serversState()
    const console = await opened(await newPlace())
    const drain = await start(console, ['be_static/static1'])
    await until(console, drain, 'it is out', isOut)
    await onNode(node, undo)
    const again = await until(console, drain, 'it is out again', (view) => isOut(view) && view.places.some((place) => place.violations > 0)) // prettier-ignore
    expect(again.places.map(({ nodeId, violations }) => [nodeId, violations])).toEqual(
      pair.map((id) => [id, id === node ? 1 : 0]),
    )
    expect(await adminState(node, 'be_static/static1')).toBe('8')
    const told = (await kindsOf(console, drain)).filter((kind) => kind !== 'drain.empty')
    expect(told).toEqual(['drain.started', 'drain.violated', 'drain.repaired'])
    await putBack(console, drain)
    expect(await serversState()).toEqual(before)
  })

  it('of two consoles: the second sees that it is drained already, and neither puts back what the other wants', async () => {
    const before = await serversState()
    const [one, other] = [await opened(await newPlace()), await opened(await newPlace())]
    const first = await start(one, ['be_db/db2'])
    await until(one, first, 'it is out', isOut)
    const plan = await other.client.call('drain.plan', { targets: ['edge/haproxy/be_db/db2'] })
    expect(plan.warnings.map(({ rule, nodeId }) => [rule, nodeId])).toEqual(pair.map((node) => ['already-draining', node]))
    const second = await start(other, ['be_db/db2'])
    await until(other, second, 'it is out', isOut)
    await putBack(other, second)
    expect(await Promise.all(pair.map((node) => adminState(node, 'be_db/db2'))), 'as the second found it').toEqual(['8', '8'])

    const third = await start(other, ['be_db/db2'])
    await until(other, third, 'it is out', isOut)
    await putBack(one, first)
    await until(
      other,
      third,
      'it is kept out',
      (view) => isOut(view) && view.places.every(({ violations }) => violations === 1),
    )
    expect((await kindsOf(one, first)).filter((kind) => kind === 'drain.violated')).toEqual([])
    await putBack(other, third)
    await Promise.all(pair.map((node) => runtime(node, 'set server be_db/db2 state ready')))
    expect(await serversState()).toEqual(before)
  })

  it('with a balancer that cannot be reached: nothing at all, or the other one now and this one when it is back', async () => {
    const before = await serversState()
    const console = await opened(await newPlace())
    await lab.stopService('lb2', 'sshd')
    const refused = expect.objectContaining({ code: 'node.unreachable', effect: 'none' }) as unknown
    await expect(start(console, ['be_shop/shop1'])).rejects.toMatchObject({ reply: refused })
    expect(await serversState()).toEqual(before)
    const drain = await start(console, ['be_shop/shop1'], { unreachable: 'later' })
    const half = await until(console, drain, 'lb1 is out', ({ places: [lb1] }) => lb1?.phase === 'in-force')
    expect(half).toMatchObject({ state: 'waiting-for-node', places: [{}, { nodeId: 'lb2', phase: 'unset', before: null }] })
    await lab.startService('lb2', 'sshd')
    await until(console, drain, 'lb2 is out as well', isOut)
    await lab.stopService('lb2', 'sshd')
    await console.client.call('drain.putBack', { drain: drain.id })
    await until(console, drain, 'lb1 is back, and does not wait for lb2', ({ places: [lb1] }) => lb1?.phase === 'restored')
    expect(await adminState('lb1', 'be_shop/shop1')).toBe('0')
    await lab.startService('lb2', 'sshd')
    await until(console, drain, 'it has ended', ({ state }) => state === 'ended')
    expect(await serversState()).toEqual(before)
  })

  it('of a server of weight 0, one in maintenance by somebody else, and the only one of its pool, comes back as it was', async () => {
    for (const node of pair) {
      await runtime(node, 'set server be_static/static1 weight 0')
      await runtime(node, 'set server be_db/db1 state maint')
      await runtime(node, 'set server be_shop/shop2 state maint')
    }
    const before = await serversState()
    const console = await opened(await newPlace())
    const servers = ['be_static/static1', 'be_db/db1', 'be_shop/shop1', 'be_api/api-1_v2.tyo:green']
    const refused = start(console, servers)
    await expect(refused).rejects.toMatchObject({
      reply: { code: 'drain.floor', message: expect.stringContaining('be_shop') as string },
    })
    const drain = await start(console, servers, { overrideFloor: 'nobody shops at night' })
    const held = await until(console, drain, 'it is in force', (view) =>
      view.places.every(({ phase }) => phase === 'in-force' || phase === 'already-out'),
    )
    expect(held.places.filter(({ phase }) => phase === 'already-out').map(({ server }) => server)).toEqual(['db1', 'db1'])
    expect(await Promise.all(pair.map((node) => adminState(node, 'be_api/api-1_v2.tyo:green')))).toEqual(['8', '8'])
    expect(held.timeline[0]?.text).toContain('The floor was overridden: nobody shops at night')
    await putBack(console, drain)
    expect(await serversState()).toEqual(before)
  })

  it('whose server is deleted on one balancer and declared disabled on the other is told so, and the rest comes back', async () => {
    const console = await opened(await newPlace())
    const drain = await start(console, ['be_static/static2'])
    await until(console, drain, 'it is out', isOut)
    await onNode('lb1', `sed -i '/server static2 /d' ${config}; kill -USR2 "$(cat /run/haproxy.pid)"`)
    await onNode('lb2', `sed -i '/server static2 /s/$/ disabled/' ${config}; kill -USR2 "$(cat /run/haproxy.pid)"`)
    const told = await until(console, drain, 'it is told', ({ places: all }) => all.every(({ phase }) => phase !== 'in-force'))
    expect(told.places.map(({ phase, said }) => [phase, said])).toEqual([
      ['gone', 'The configuration has no such server any more.'],
      ['taken', 'The configuration file declares it disabled.'],
    ])
    expect((await putBack(console, drain)).places.map(({ phase }) => phase)).toEqual(['gone', 'restored'])
  })

  it('is set again when a stale server-state file brings the server back at a reload, and stands when an agent says otherwise', async () => {
    const console = await opened(await newPlace())
    const file = '/var/lib/haproxy/stale-state'
    const lines = `s|^global|global\\n    server-state-file ${file}|; s|^defaults|defaults\\n    load-server-state-from-file global|`
    await onNode('lb1', `sed -i '${lines}' ${config}; echo 'show servers state' | socat -t5 - UNIX-CONNECT:/run/haproxy/admin.sock > ${file}`) // prettier-ignore
    const drain = await start(console, ['be_api/api2'], { nodes: ['lb1' as never] })
    await until(console, drain, 'it is out', isOut)
    await onNode('lb1', 'kill -USR2 "$(cat /run/haproxy.pid)"')
    await until(console, drain, 'it is out again', (view) => isOut(view) && view.places[0]?.violations === 1)
    await lab.backend('b5', { agent: 'ready' })
    const fought = await until(console, drain, 'it is left alone for a while', ({ timeline }) => timeline.some(({ kind }) => kind === 'alarm')) // prettier-ignore
    expect(fought.places[0]?.violations).toBeLessThanOrEqual(4)
    expect(fought.timeline.find(({ kind }) => kind === 'alarm')?.text).toContain('agent-check')
    await lab.backend('b5', { agent: '' })
    await putBack(console, drain)
    expect(await adminState('lb1', 'be_api/api2')).toBe('0')
  })

  it('whose time passed while the console was closed goes back when it is opened, and says so', async () => {
    const before = await serversState()
    const place = await newPlace()
    const first = await opened(place)
    const drain = await start(first, ['be_static/static1'], { expiresMs: 4000 })
    await until(first, drain, 'it is out', isOut)
    await closed(first)
    await waitUntil('its time is over', 20_000, () => Date.now() > (drain.expiresAt ?? Infinity))
    expect(await adminState('lb1', 'be_static/static1'), 'nobody was there to put it back').toBe('8')
    const second = await opened(place)
    const ended = await until(second, drain, 'it has ended', ({ state }) => state === 'ended')
    expect(ended.timeline.find(({ kind }) => kind === 'expired')?.text).toContain('Its time is over')
    expect(await serversState()).toEqual(before)
  })
})
