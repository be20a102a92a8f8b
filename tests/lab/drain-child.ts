/**
 * The console in a process of its own that carries one drain from its start to its end and kills itself (SIGKILL) at a named point of it;
 * see kill-points.ts. With a point that is never passed it prints the points that it passed, and exits with 0.
 *
 * `node drain-child.ts HOME DATA_FOLDER TARGET NODES POINT`
 */
import type { DrainView, NodeId } from '#contract'
import { openChildConsole } from './child-console.ts'
import { waitUntil } from './run.ts'

const [home = '', dataFolder = '', target = '', nodeList = '', lastPoint = ''] = process.argv.slice(2)
const nodes = nodeList.split(',') as NodeId[]

let underWay = false
/** `back: ` before what happens once it is being put back, `maint: ` on its way into maintenance */
let stage = ''
const pass = (point: string): void => {
  underWay ||= point === 'drain.started'
  if (point.startsWith('drain maintenance')) stage = 'maint: '
  if (point.startsWith('drain back')) stage = 'back: '
  if (!underWay) return // planning reads the servers as well
  console.log(stage + point)
  if (stage + point === lastPoint) process.kill(process.pid, 'SIGKILL')
}

const application = await openChildConsole(home, dataFolder, pass)
const { client } = application
await application.start()
await Promise.all(nodes.map((node) => client.call('fleet.refresh', { node })))
const { id } = await client.call('drain.start', { targets: [target], nodes, reason: 'crash test', then: 'maint' })
const until = (what: string, isSo: (drain: DrainView) => boolean): Promise<void> =>
  waitUntil(what, 30_000, async () => isSo(await client.call('drain.get', { drain: id })))
// nginx has no second step to go
const jobs = target.includes('/nginx/') ? 1 : 1 + nodes.length
await until('empty and in maintenance', ({ state, goal, jobs: own }) => {
  return state === 'empty' && goal === 'maintenance' && own.length === jobs
})
await waitUntil('its jobs have ended', 30_000, async () =>
  (await client.call('job.list', { limit: 10 })).every(({ state }) => state === 'ended'),
)
await client.call('drain.putBack', { drain: id })
await until('ended', ({ state }) => state === 'ended')
await application.close()
