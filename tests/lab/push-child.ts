/**
 * The console in a process of its own that carries one push from its start to its end and kills itself (SIGKILL) at a named point of it; see
 * kill-points.ts. Prints the points that it passes, numbered from the second time on; with one that is never passed it exits with 0.
 *
 * `node push-child.ts HOME DATA_FOLDER POINT REQUEST` (JSON)
 */
import { openChildConsole } from './child-console.ts'
import type { Request } from './push-exercise.ts'
import { numbered } from './kill-points.ts'
import { waitUntil } from './run.ts'

const [home = '', dataFolder = '', lastPoint = '', request = ''] = process.argv.slice(2)

const pass = numbered((point) => {
  console.log(point)
  if (point === lastPoint) process.kill(process.pid, 'SIGKILL')
})

const application = await openChildConsole(home, dataFolder, pass)
const { client } = application
const { id } = await client.call('push.start', JSON.parse(request) as Request)
await waitUntil('the push has ended', 90_000, async () => (await client.call('push.get', { push: id })).endedAt !== null)
await application.close()
