/**
 * What the console says of a drain beside what the server itself has seen: the backend's own count of requests, connections and data, health
 * checks aside (backend-process.ts). "Empty" must not be said while anybody can still reach it, and must be said soon after.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { DrainId, DrainView, InputOf, NodeId } from '#contract'
import type { OwnView } from './backend-orders.ts'
import { makeWorkplace, openConsole, pollMs, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { waitUntil, type RunResult } from './run.ts'
import type { BackendName } from './topology.ts'

const pair = ['lb1', 'lb2'] as NodeId[]

let lab: Lab
let place: Workplace
let console: ConsoleOnLab

const onNode = async (node: string, script: string): Promise<string> =>
  (await lab.exec(node, ['sh', '-c', script], { timeoutMs: 30_000 })).stdout
const reload = { haproxy: 'kill -USR2 "$(cat /run/haproxy.pid)"', nginx: 'nginx -s reload' } as const
const b1 = async (): Promise<OwnView> => (await lab.backend('b1', {})).clients
const onLb1 = (port: number): string => `${lab.node('lb1').data}:${port}`
const fromClient = (...args: string[]): Promise<RunResult> =>
  lab.exec('client', ['curl', '-sS', '-m', '60', ...args], { timeoutMs: 90_000 })
const nginxMember = (): string => `edge/nginx/app/${lab.topology.backends[0]?.address ?? ''}:8000`

async function start(over: Partial<InputOf<'drain.start'>>): Promise<DrainId> {
  const { id } = await console.client.call('drain.start', { targets: [], nodes: pair, reason: 'proof', ...over })
  return id
}
const get = (drain: DrainId): Promise<DrainView> => console.client.call('drain.get', { drain })
async function until(drain: DrainId, what: string, isTrue: (view: DrainView) => boolean): Promise<DrainView> {
  let view = await get(drain)
  const seen = new Set<string>()
  const look = async (): Promise<boolean> => {
    view = await get(drain)
    seen.add(JSON.stringify([view.state, ...view.places.map(({ left, phase }) => [phase, left?.queue, left?.oldSessions, left?.sessions])])) // prettier-ignore
    return isTrue(view)
  }
  await waitUntil(what, 40_000, look, 50).catch((thrown: unknown) => {
    throw new Error(`${String(thrown)} ${view.said} ${[...seen].join(' ')}`)
  })
  return view
}
/** The console has read every balancer so often since. */
async function rounds(count: number): Promise<void> {
  for (let round = 0; round < count; round += 1) await console.client.call('fleet.refresh', {})
}

/** Empty, and the server agrees; the rest of its time out it hears of nobody, whatever the clients do meanwhile. */
async function emptyAndSilent(drain: DrainId, meanwhile: () => Promise<unknown>): Promise<DrainView> {
  const empty = await until(drain, 'it is empty', ({ state }) => state === 'empty')
  const before = await b1()
  expect(before.busy).toBe(0)
  expect(empty.emptyAt, 'not before its last client was gone').toBeGreaterThanOrEqual(before.lastAt)
  // One poll, and what reading takes on a busy machine. Clients that stick to it are turned away by a job first.
  expect((empty.emptyAt ?? Infinity) - before.lastAt, 'soon after its last client was gone').toBeLessThan(10 * pollMs)
  await meanwhile()
  await rounds(2)
  expect(await b1(), 'nobody has reached it since').toEqual(before)
  expect((await get(drain)).timeline.map(({ kind }) => kind)).not.toContain('not-empty')
  return empty
}

async function putBack(drain: DrainId): Promise<void> {
  await console.client.call('drain.putBack', { drain })
  await until(drain, 'it has ended', ({ state }) => state === 'ended')
}

/** Clients who connect now, and send (the rest of) their request only when they are told to. */
function earlyClients(port: number, head: string, rest: string, count: number) {
  const wait = join(place.home, `wait-${port}-${rest.length}`)
  writeFileSync(wait, '')
  // nginx gives a client up who closes his side before he is answered
  const script = `{ printf '${head}'; for i in $(seq 800); do [ -e ${wait} ] || break; sleep 0.05; done; printf '${rest}'; sleep 1; } | socat -t10 - TCP:${onLb1(port)}`
  const answers = Array.from({ length: count }, () => lab.exec('client', ['sh', '-c', script], { timeoutMs: 90_000 }))
  return {
    async send(): Promise<string[]> {
      rmSync(wait)
      return (await Promise.all(answers)).map(({ stdout }) => stdout)
    },
  }
}
const get200 = 'GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'
/** Until the balancer has so many clients on a port. */
const connected = (port: number, count: number): Promise<void> =>
  waitUntil(`${count} clients are on ${port}`, 10_000, async () => {
    const lines = await onNode('lb1', `ss -Htn state established 'sport = :${port}'`)
    return lines.split('\n').filter(Boolean).length >= count
  })

describeLab('"empty" and what the server itself has seen', () => {
  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
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

  it('on HAProxy: a download on an old worker, two reloads, an idle client and pooled connections', async () => {
    // longer than a busy machine takes for two reloads
    const url = `http://${onLb1(80)}/?chunks=150`
    const downloads = [1, 2, 3].map(() => fromClient('-o', '/dev/null', '-w', '%{http_code} %{size_download}', url))
    const idle = earlyClients(80, get200, get200, 3)
    await waitUntil('b1 is at work', 10_000, async () => (await b1()).busy > 0)
    const drain = await start({ targets: ['edge/haproxy/be_web/web1'] })
    // a worker that comes before has nothing to forget
    await until(drain, 'it is out', ({ places }) => places.every(({ phase }) => phase === 'in-force'))
    for (let again = 0; again < 2; again += 1) {
      await onNode('lb1', reload.haproxy)
      const isAgain = ({ violations, phase }: DrainView['places'][number]): boolean =>
        phase === 'in-force' && violations > again
      await until(drain, 'it was set again', ({ places }) => places.some(isAgain))
    }
    const empty = await emptyAndSilent(drain, () =>
      Promise.all([1, 2, 3, 4, 5, 6].map(() => fromClient(`http://${onLb1(80)}/`))),
    )
    for (const download of await Promise.all(downloads)) expect(download.stdout, 'whole').toBe('200 150003')
    expect((empty.outcome?.emptyInMs ?? 0) > 0).toBe(true)
    await idle.send()
    await putBack(drain)
  })

  it('on HAProxy: clients of an old worker who have not asked yet, when the drain begins after the reload', async () => {
    const early = earlyClients(80, '', get200, 6)
    await connected(80, 6)
    await onNode('lb1', reload.haproxy)
    await waitUntil('an old worker holds them', 10_000, async () =>
      (await onNode('lb1', `echo 'show proc' | socat -t1 - UNIX-CONNECT:/run/haproxy-master.sock`)).includes('# old workers'),
    )
    const drain = await start({ targets: ['edge/haproxy/be_web/web1'] })
    const counted = ({ places }: DrainView): boolean => places.some(({ left }) => (left?.queue ?? 0) >= 6)
    await until(drain, 'they are counted', (view) => view.state === 'draining' && counted(view))
    await rounds(3)
    expect((await get(drain)).emptyAt, 'they can still be sent there').toBeNull()
    const { heard } = await b1()
    for (const answer of await early.send()) expect(answer).toContain('200 OK')
    expect((await b1()).heard, 'and were').toBeGreaterThan(heard)
    await emptyAndSilent(drain, () => fromClient(`http://${onLb1(80)}/`))
    await putBack(drain)
  })

  it('on HAProxy: clients whom a cookie or a stick table brings back after pauses', async () => {
    const onEdge = (): Promise<RunResult> => fromClient('-b', 'SRV=s1', `http://${onLb1(80)}/shop`)
    const onCore = (): Promise<RunResult> => fromClient(`http://${lab.node('lb3').data}/search`)
    expect((await onEdge()).stdout).toBe('b1\n')
    const home = (await onCore()).stdout
    const [server, other] = home === 'b2\n' ? ['search1', 'b5\n'] : ['search2', 'b2\n']
    const byCookie = await start({ targets: ['edge/haproxy/be_shop/shop1'] })
    const byTable = await start({ targets: [`core/haproxy/be_search/${server}`], nodes: ['lb3' as NodeId] })
    const isOut = ({ places }: DrainView): boolean => places.every(({ phase }) => phase === 'in-force')
    for (const drain of [byCookie, byTable]) await until(drain, 'it is out', isOut)
    await new Promise((resolve) => setTimeout(resolve, 6000))
    expect([(await onEdge()).stdout, (await onCore()).stdout], 'still served where their sessions are').toEqual(['b1\n', home])
    for (const drain of [byCookie, byTable]) expect((await get(drain)).emptyAt).toBeNull()
    for (const drain of [byCookie, byTable]) {
      const empty = await until(drain, 'it is empty', ({ state }) => state === 'empty')
      expect(empty.goal, 'they were turned away first').toBe('maintenance')
    }
    const atHome = async (): Promise<OwnView> => (await lab.backend(home.trim() as BackendName, {})).clients
    const [table, cookie] = [await atHome(), await b1()]
    expect((await onCore()).stdout, 'another takes the one').toBe(other)
    expect(await atHome()).toEqual(table)
    expect((await onEdge()).stdout, 'and the other one').toBe('b2\n')
    expect(await b1()).toEqual(cookie)
    for (const drain of [byCookie, byTable]) await putBack(drain)
    await waitUntil('the cookie leads home again', 20_000, async () => (await onEdge()).stdout === 'b1\n', 200)
  })

  it('on nginx: a download on an old worker, two more reloads, and a session elsewhere that outlasts them', async () => {
    const url = `http://${onLb1(8080)}/?chunks=80`
    const downloads = [1, 2, 3, 4].map(() => fromClient('-o', '/dev/null', '-w', '%{http_code} %{size_download}', url))
    // on an old worker to the end, and answered: nobody will send it elsewhere
    const elsewhere = earlyClients(8083, 'hello', 'bye', 1)
    await waitUntil('b1 is at work', 10_000, async () => (await b1()).busy > 0)
    await connected(8083, 1)
    const drain = await start({ targets: [nginxMember()] })
    await until(drain, 'it is out', ({ places }) => places.every(({ phase }) => phase === 'in-force'))
    for (let again = 0; again < 2; again += 1) await onNode('lb1', `${reload.nginx}; sleep 0.5`)
    await emptyAndSilent(drain, () => Promise.all([1, 2, 3, 4, 5, 6].map(() => fromClient(`http://${onLb1(8080)}/`))))
    for (const download of await Promise.all(downloads)) expect(download.stdout, 'whole').toBe('200 80003')
    expect(await onNode('lb1', 'ps -eo args'), 'the old worker is still there').toContain('is shutting down')
    expect((await elsewhere.send())[0]).toMatch(/^hello b\d\nhello/)
    await putBack(drain)
  })

  it('on nginx: clients of an old worker who have not asked yet, or not wholly', async () => {
    const early = earlyClients(8080, '', get200, 4)
    const post = 'POST / HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 10\\r\\n\\r\\n12345'
    const slow = earlyClients(8080, post, '67890', 4)
    await connected(8080, 8)
    const drain = await start({ targets: [nginxMember()] })
    // what the kernel says meanwhile, for whoever has to find out why they are not counted
    const there = onNode(
      'lb1',
      `date +%T.%N; ss -Htnpi state established 'sport = :8080'; ps -eo pid,ppid,lstart,args | grep '[n]ginx:'`,
    )
    const counted = ({ places }: DrainView): boolean => places.some(({ left }) => (left?.queue ?? 0) >= 8)
    await until(drain, 'they are counted', (view) => view.state === 'draining' && counted(view)).catch(
      async (thrown: unknown) => {
        throw new Error(`${String(thrown)}\n${await there}`)
      },
    )
    await rounds(3)
    expect((await get(drain)).emptyAt, 'they can still be sent there').toBeNull()
    const { heard } = await b1()
    for (const answer of [...(await early.send()), ...(await slow.send())]) expect(answer).toContain('200 OK')
    expect((await b1()).heard, 'and were').toBeGreaterThan(heard)
    await emptyAndSilent(drain, () => fromClient(`http://${onLb1(8080)}/`))
    await putBack(drain)
  })
})
