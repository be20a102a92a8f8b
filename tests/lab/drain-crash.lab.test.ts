import { cpSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { DrainView } from '#contract'
import { exhaustive } from '../exhaustive.ts'
import { makeWorkplace, openConsole, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { tryRun, waitUntil } from './run.ts'

const child = resolve(import.meta.dirname, 'drain-child.ts')

let lab: Lab
/** A data folder into which the inventory was imported; every case works on a copy of it. */
let template: Workplace

/** Where one case after the other is killed; lanes run side by side, each with a server and consoles of its own. */
interface Lane {
  name: string
  target: () => string
  nodes: string[]
  /** what has to come back byte for byte */
  state: () => Promise<string>
  points: string[]
}

const onNode = async (node: string, script: string): Promise<string> =>
  (await lab.exec(node, ['sh', '-c', script], { timeoutMs: 30_000 })).stdout

const out = (points: string[]): string[] => ['drain.started', 'drain out starting', 'job created', ...points]
const back = (points: string[]): string[] => ['drain back put-back', 'job created', ...points].map((point) => `back: ${point}`)
const perNode = ['journaled intended', 'state command leaving', 'state command handed over', 'state command answered']
const haproxyPoints = [
  out(['lb1 looked', 'history: started', 'lb1 read', ...perNode.map((point) => `lb1 ${point}`), 'lb1 journaled done']),
  [
    'lb2 state command leaving',
    'lb2 state command answered',
    'lb2 journaled done',
    'history: ended',
    'job ended',
    'drain.empty',
  ],
  [
    'drain maintenance empty',
    'job created',
    'lb1 state command leaving',
    'lb1 state command answered',
    'lb2 journaled done',
  ].map((point) => `maint: ${point}`),
  back(['lb1 journaled intended', 'lb1 weight command answered', 'lb1 state command answered', 'lb1 journaled done']),
  ['back: lb2 journaled done', 'back: drain.ended', 'back: drain back ended'],
].flat()
const config = ['journaled intended', 'file leaving', 'file replaced', 'reload leaving', 'reload answered', 'journaled done']
/** HAProxy has told what is common to both; here it is the file and the reload. */
const nginxPoints = (node: string): string[] => [
  ...config.map((point) => `${node} ${point}`),
  ...['drain.empty', `back: drain back put-back`],
  ...config.map((point) => `back: ${node} ${point}`),
  'back: drain.ended',
]
/** Every point of the table, or each third one. */
const every = (points: string[], of: number, index: number): string[] =>
  points.filter((_, at) => at % of === index).filter((_, at) => exhaustive || at % 3 === 0)

function haproxyLane(server: string, points: string[]): Lane {
  const [pool = '', name = ''] = server.split('/')
  const columns = `echo 'show servers state ${pool}' | socat -t5 - UNIX-CONNECT:/run/haproxy/admin.sock | grep ' ${name} ' | cut -d' ' -f2,4,5,7-9`
  const nodes = ['lb1', 'lb2']
  return {
    ...{ name: server, target: () => `edge/haproxy/${server}`, nodes, points },
    state: async () => (await Promise.all(nodes.map((node) => onNode(node, columns)))).join(''),
  }
}

function nginxLane(node: string, index: number): Lane {
  return {
    ...{ name: `nginx on ${node}`, nodes: [node], points: every(nginxPoints(node), 2, index) },
    target: () => `edge/nginx/app/${lab.topology.backends[0]?.address}:8000`,
    state: () => onNode(node, 'sha256sum /etc/nginx/conf.d/*'),
  }
}

const servers = ['be_web/web1', 'be_db/db1', 'be_static/static1', 'be_shop/shop1']
const lanes: Lane[] = [
  // The longest first: not all of them run at once.
  ...['lb1', 'lb2'].map(nginxLane),
  ...servers.map((server, lane) => haproxyLane(server, every(haproxyPoints, servers.length, lane))),
]

async function killAt({ target, nodes }: Lane, place: Workplace, point: string): Promise<void> {
  const { home, dataFolder } = place
  const argv = [...place.node, child, home, dataFolder, target(), nodes.join(','), point] as const
  const { stdout, stderr } = await tryRun([...argv], { timeoutMs: 120_000 })
  expect(stdout.trim().split('\n').at(-1), `the last point it passed\n${stderr}`).toBe(point)
  expect(stderr, 'killed, not stopped').toContain('ended by SIGKILL')
}

/** The next console: goes on with the drain to where it was going, and puts it back unless that had begun. */
async function carryOn({ client }: ConsoleOnLab): Promise<DrainView | null> {
  const [drain] = await client.call('drain.list', { open: false, limit: 10 })
  if (drain === undefined) return null
  let now = drain
  const until = (what: string, isSo: () => boolean): Promise<void> =>
    waitUntil(what, 90_000, async () => {
      now = await client.call('drain.get', { drain: drain.id })
      return isSo()
    })
  await until('it is out, or back', () => now.state === 'ended' || now.goal === 'back' || now.state === 'empty')
  if (now.goal !== 'back') await client.call('drain.putBack', { drain: drain.id })
  await until('it has ended', () => now.state === 'ended')
  return now
}

async function check(lane: Lane, point: string): Promise<void> {
  const place = makeWorkplace()
  cpSync(template.dataFolder, place.dataFolder, { recursive: true })
  const before = await lane.state()
  try {
    await killAt(lane, place, point)
    const console = await openConsole(place)
    try {
      const drain = await carryOn(console)
      expect(drain === null, 'there is no drain only where it had not been written down').toBe(point === 'drain.started')
      expect(await lane.state(), 'put back').toBe(before)
      const jobs = await console.client.call('job.list', { limit: 20 })
      expect(jobs.filter(({ outcome }) => outcome !== 'succeeded')).toEqual([])
      if (drain === null) return expect(jobs).toEqual([])
      expect(jobs.map(({ id }) => id).sort(), 'no job that is nobody\'s').toEqual(drain.jobs.filter((id) => jobs.some((job) => job.id === id)).sort()) // prettier-ignore
      const told = (await console.client.call('history.list', { limit: 50, subject: drain.id })).map(({ kind }) => kind)
      expect(told.filter((kind) => kind !== 'drain.empty').sort(), 'told once').toEqual(['drain.ended', 'drain.started'])
      expect(drain.places.map(({ violations }) => violations)).toEqual(lane.nodes.map(() => 0))
      expect(await console.client.call('drain.list', { open: true, limit: 10 })).toEqual([])
    } finally {
      await console.close()
    }
  } finally {
    place.clear()
  }
}

describeLab('a console that is killed at each step of a drain', () => {
  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    for (const node of ['lb1', 'lb2']) {
      // Nobody has asked anything of a worker that has just begun, and a weight of its own has to come back.
      await onNode(node, '/lab/service haproxy restart')
      await waitUntil(`${node} answers`, 20_000, async () => (await lab.exec(node, ['test', '-S', '/run/haproxy/admin.sock'])).code === 0) // prettier-ignore
      for (const server of servers)
        await onNode(node, `echo 'set server ${server} weight 3' | socat -t5 - UNIX-CONNECT:/run/haproxy/admin.sock`)
    }
    template = makeWorkplace()
    const imported = await template.evenkeel('inventory', 'import', lab.inventoryFile)
    expect(imported, imported.stderr).toMatchObject({ code: 0 })
  })
  afterAll(async () => {
    template.clear()
    await lab.restoreAll()
  })

  it.concurrent.each(lanes)(
    'of $name: goes on, or back, exactly once, and leaves everything as it was',
    async (lane) => {
      const failures: string[] = []
      for (const point of lane.points)
        await check(lane, point).catch((error: Error) => failures.push(`${point}: ${error.message}`))
      expect(failures).toEqual([])
    },
    300_000,
  )
})
