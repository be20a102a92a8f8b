/**
 * The console in a process of its own that carries one drill from its start to its end and kills itself (SIGKILL) at a named point of it; see
 * kill-points.ts. Prints the points that it passes, numbered from the second time on; with one that is never passed it exits with 0.
 *
 * `node drill-child.ts HOME DATA_FOLDER POINT PLAN` (YAML)
 */
import { openChildConsole } from './child-console.ts'
import { numbered } from './kill-points.ts'
import { waitUntil } from './run.ts'

const [home = '', dataFolder = '', lastPoint = '', plan = ''] = process.argv.slice(2)

const pass = numbered((point) => {
  console.log(point)
  if (point === lastPoint) process.kill(process.pid, 'SIGKILL')
})

const application = await openChildConsole(home, dataFolder, pass)
const { client } = application
await application.start()
await client.call('fleet.refresh', {})
const { id } = await client.call('drills.start', { text: plan, reason: 'crash test' })
await waitUntil(
  'the drill has ended',
  90_000,
  async () => (await client.call('drills.get', { drill: id })).record.endedAt !== null,
)
await waitUntil('its job has ended', 30_000, async () =>
  (await client.call('job.list', { limit: 10 })).every(({ state }) => state === 'ended'),
)
await application.close()
