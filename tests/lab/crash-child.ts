/**
 * The application in a process of its own that kills itself (SIGKILL) at a named point of an operation; see kill-points.ts.
 *
 * `node crash-child.ts HOME DATA_FOLDER drain|JOB_TO_UNDO POINT`. With a point that is never passed it carries the operation through,
 * prints the points that it passed, and exits with 0.
 */
import type { JobId, NodeId, ServerId } from '#contract'
import { openChildConsole } from './child-console.ts'

const [home = '', dataFolder = '', order = '', lastPoint = ''] = process.argv.slice(2)

let underWay = false
const pass = (point: string): void => {
  underWay ||= point === 'job created'
  if (!underWay) return // planning reads the servers as well
  console.log(point)
  if (point === lastPoint) process.kill(process.pid, 'SIGKILL')
}

const application = await openChildConsole(home, dataFolder, pass)
const { client } = application
const ended = new Promise<void>((resolve) => client.on('job.changed', ({ state }) => state === 'ended' && resolve()))

await application.start()
await Promise.all((['lb1', 'lb2'] as NodeId[]).map((node) => client.call('fleet.refresh', { node })))
const servers = ['edge/haproxy/be_web/web1'] as ServerId[]
if (order === 'drain') await client.call('server.setState', { servers, state: 'drain', reason: 'crash test' })
else await client.call('job.undo', { job: order as JobId })
await ended
await application.close()
