import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { DrainId, DrainView, InputOf, NodeId } from '#contract'
import { makeWorkplace, openConsole, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { waitUntil } from './run.ts'

const file = '/etc/nginx/conf.d/site.conf'
const edge = ['lb1', 'lb2'] as NodeId[]

let lab: Lab
let place: Workplace
let console: ConsoleOnLab
let siteFile = file

const onNode = async (node: string, script: string): Promise<string> =>
  (await lab.exec(node, ['sh', '-c', script], { timeoutMs: 30_000 })).stdout
const hashes = (): Promise<string[]> => Promise.all(edge.map((node) => onNode(node, `sha256sum ${siteFile}`)))
const runtime = (node: string): Promise<string> =>
  onNode(node, `echo 'show servers state' | socat -t5 - UNIX-CONNECT:/run/haproxy/admin.sock | cut -d' ' -f1-9`)
const address = (): string => `${lab.topology.backends[0]?.address}:8000`
const dataOf = (id: string): string => lab.topology.nodes.find((node) => node.id === id)?.data ?? expect.fail(`no ${id}`)

const start = (over: Partial<InputOf<'drain.start'>> = {}): Promise<DrainView> =>
  console.client.call('drain.start', { targets: [address()], nodes: edge, reason: 'kernel update', ...over })

async function until(drain: DrainId, what: string, isTrue: (view: DrainView) => boolean): Promise<DrainView> {
  let view = await console.client.call('drain.get', { drain })
  await waitUntil(what, 40_000, async () => isTrue((view = await console.client.call('drain.get', { drain }))), 50)
  return view
}
const nginxPlaces = ({ places }: DrainView): DrainView['places'] => places.filter(({ balancer }) => balancer === 'nginx')

describeLab('draining nginx on the lab', () => {
  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    siteFile = (await onNode('lb1', 'grep -l "upstream app" /etc/nginx/conf.d/*')).trim()
  })
  beforeEach(async () => {
    place = makeWorkplace()
    const imported = await place.evenkeel('inventory', 'import', lab.inventoryFile)
    expect(imported, imported.stderr).toMatchObject({ code: 0 })
    console = await openConsole(place)
    await console.client.call('fleet.refresh', {})
  })
  afterEach(async () => {
    await console.close()
    place.clear()
    await lab.restoreAll()
  })
  afterAll(() => lab.restoreAll())

  it('takes an address out of HAProxy and nginx, and is empty when the downloads through nginx have ended', async () => {
    const [files, states] = [await hashes(), await Promise.all(edge.map(runtime))]
    let endedAt = Infinity
    const url = `http://${dataOf('lb1')}:8080/?ms=20000`
    const downloads = [1, 2, 3, 4].map(() => lab.exec('client', ['curl', '-sS', url], { timeoutMs: 60_000 }))
    const all = Promise.all(downloads).finally(() => (endedAt = Date.now()))
    await waitUntil('they are under way', 5000, async () =>
      (await onNode('lb1', `ss -Htnp state established dst ${address()}`)).includes('nginx'),
    )
    const plan = await console.client.call('drain.plan', { targets: [address()], nodes: edge })
    expect(plan.places.filter(({ balancer }) => balancer === 'nginx').map(({ nodeId }) => nodeId)).toEqual(edge)
    expect(plan.places.find(({ balancer }) => balancer === 'nginx')?.commands).toContain('/usr/sbin/nginx -s reload')
    expect(plan.warnings.map(({ rule }) => rule)).toContain('needs-reload')

    const { id, places } = await start()
    expect(new Set(places.map(({ balancer }) => balancer))).toEqual(new Set(['haproxy', 'nginx']))
    const draining = await until(
      id,
      'it is out everywhere',
      (view) => view.state === 'draining' && nginxPlaces(view).some(({ left }) => (left?.oldSessions ?? 0) > 0),
    )
    expect(draining.emptyAt).toBeNull()
    expect(await hashes()).not.toEqual(files)
    const empty = await until(id, 'it is empty', ({ state }) => state === 'empty')
    expect(empty.emptyAt, 'not before the last byte').toBeGreaterThanOrEqual(endedAt - 300)
    for (const { code, stdout } of await all) expect([code, stdout]).toEqual([0, expect.stringMatching(/^b\d\n$/)])
    for (const { proof } of nginxPlaces(empty)) expect(proof?.evidence.join('\n')).toMatch(/ down;\nss: 0 connections/)

    await console.client.call('drain.putBack', { drain: id })
    await until(id, 'it has ended', ({ state }) => state === 'ended')
    expect(await hashes()).toEqual(files)
    expect(await Promise.all(edge.map(runtime))).toEqual(states)
  })

  it('is set again when a hand takes `down` out, and stays through a reload by somebody else', async () => {
    const files = await hashes()
    const { id } = await start()
    await until(id, 'it is in force', ({ places }) => places.every(({ phase }) => phase === 'in-force'))
    await onNode('lb1', 'nginx -s reload')
    await onNode('lb2', `sed -i 's/ down;/;/' ${siteFile}; nginx -s reload`)
    const repaired = await until(id, 'it is out again on lb2', (view) =>
      nginxPlaces(view).every(
        ({ nodeId, phase, violations }) => phase === 'in-force' && violations === (nodeId === 'lb2' ? 1 : 0),
      ),
    )
    expect(repaired.places.filter(({ violations }) => violations > 0)).toHaveLength(1)
    await console.client.call('drain.putBack', { drain: id })
    await until(id, 'it has ended', ({ state }) => state === 'ended')
    const [lb1] = await hashes()
    expect(lb1).toBe(files[0])
  })

  it('refuses before anything is changed when the files are broken, and says where', async () => {
    const [files, states] = [await hashes(), await Promise.all(edge.map(runtime))]
    await onNode('lb2', `printf 'upstream half {\\n' > /etc/nginx/conf.d/half.conf`)
    const message = expect.stringContaining('/etc/nginx/conf.d/half.conf:2') as string
    await expect(start()).rejects.toMatchObject({ reply: { code: 'config.check-failed', effect: 'none', message } })
    expect([await hashes(), await Promise.all(edge.map(runtime))]).toEqual([files, states])
  })
})
