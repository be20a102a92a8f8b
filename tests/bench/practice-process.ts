/** The console with a practice fleet in it; prints what both cost. Started by practice.ts. */
import { readFileSync } from 'node:fs'
import type { CallContext } from '../../src-main/app/handlers-type.ts'
import { compose } from '../../src-main/compose.ts'
import { keepHeapLean } from '../../src-main/lean-heap.ts'

const [folder, nodesText, serversText, secondsText] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: practice-process.ts FOLDER NODES SERVERS SECONDS')

keepHeapLean()
const context: CallContext = {
  signal: new AbortController().signal,
  caller: { user: 'bench', shell: 'browser' },
  connection: 'bench',
  requestId: null,
}
const { handlers, start, stop, onEvent } = await compose({ dataFolder: folder, shell: 'browser', env: {}, home: folder })
// A window would be told: the cost of encoding belongs to the console.
onEvent((_name, payload) => void JSON.stringify(payload))
await start()
await handlers['host.watch']({ visible: true }, context)

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const began = performance.now()
await handlers['practice.open']({ nodes: Number(nodesText), servers: Number(serversText) }, context)
const openMs = performance.now() - began

let read = 0
let nodes = Infinity
while (read < nodes && performance.now() - began < 180_000) {
  await pause(500)
  const snapshot = await handlers['fleet.snapshot']({}, context)
  nodes = snapshot.nodes.length
  read = snapshot.nodes.filter(({ services }) =>
    services.some(({ kind, readAt }) => kind === 'haproxy' && readAt !== null),
  ).length
}
const firstLightMs = performance.now() - began - openMs

/** CPU time in µs and resident bytes of the processes that this one has started: the fleet's. Of Linux' /proc, see proc(5). */
function children(): { cpuUs: number; rss: number } {
  const pids = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
  const stats = pids.map((pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ').map(Number) ?? [])
  const sum = (index: number): number => stats.reduce((total, fields) => total + (fields[index] ?? 0), 0)
  // in hundredths of a second and in pages of 4 KiB
  return { cpuUs: (sum(11) + sum(12)) * 1e4, rss: sum(21) * 4096 }
}

const cpuBefore = process.cpuUsage()
const fleetBefore = children().cpuUs
const mainBefore = process.threadCpuUsage()
const measuredFrom = performance.now()
let peakRss = 0
let longestStallMs = 0
for (let last = measuredFrom; last - measuredFrom < Number(secondsText) * 1000;) {
  await pause(50)
  const now = performance.now()
  longestStallMs = Math.max(longestStallMs, now - last - 50)
  last = now
  peakRss = Math.max(peakRss, process.memoryUsage.rss() + children().rss)
}
const elapsedMs = performance.now() - measuredFrom
const cores = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1000 / elapsedMs
const all = cores(process.cpuUsage(cpuBefore))
const fleetCores = (children().cpuUs - fleetBefore) / 1000 / elapsedMs
const mainCores = cores(process.threadCpuUsage(mainBefore))
const { servers } = await handlers['fleet.snapshot']({}, context)
const { load } = await handlers['practice.status']({}, context)
process.stdout.write(
  `${JSON.stringify({
    ...{ openMs, firstLightMs, read, nodes, servers: servers.length, mainCores, fleetCores, collectorCores: all - mainCores },
    ...{ peakRssMb: peakRss / 1e6, longestStallMs, answered: load?.ok, failed: load?.failed },
  })}\n`,
)
await stop()
process.exit(0)
