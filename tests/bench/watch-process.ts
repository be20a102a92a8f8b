/** The main process of Evenkeel and nothing else, watching the fleet it is told of; prints what that cost. Started by watch.ts. */
import { readFileSync } from 'node:fs'
import { compose } from '../../src-main/compose.ts'
import { keepHeapLean } from '../../src-main/lean-heap.ts'
import type { CallContext } from '../../src-main/app/handlers-type.ts'

const [dataFolder, inventoryFile, secondsText] = process.argv.slice(2)
if (dataFolder === undefined || inventoryFile === undefined) throw new Error('usage: watch-process.ts FOLDER INVENTORY SECONDS')
const seconds = Number(secondsText)

keepHeapLean()
const console_ = await compose({ dataFolder, shell: 'cli', env: {}, home: dataFolder })
const context: CallContext = {
  signal: new AbortController().signal,
  caller: { user: 'bench', shell: 'cli' },
  connection: 'bench',
  requestId: null,
}
let encodedBytes = 0
let deltas = 0
console_.onEvent((name, payload) => {
  if (name !== 'fleet.changed') return
  deltas++
  // A window would be told: the cost of encoding belongs to the main process.
  encodedBytes += JSON.stringify(payload).length
})
await console_.handlers['inventory.import'](
  {
    text: readFileSync(inventoryFile, 'utf8'),
    format: 'json',
    source: inventoryFile,
    folder: null,
    mode: 'replace',
    dryRun: false,
  },
  context,
)
await console_.start()
await console_.handlers['host.watch']({ visible: true }, context)

const untilAllRead = performance.now()
let read = 0
let wanted = 1
while (read < wanted && performance.now() - untilAllRead < 180_000) {
  await new Promise((resolve) => setTimeout(resolve, 500))
  const { nodes } = await console_.handlers['fleet.snapshot']({}, context)
  wanted = nodes.length
  read = nodes.filter((node) => node.services.some((service) => service.kind === 'haproxy' && service.readAt !== null)).length
}
const firstLightMs = performance.now() - untilAllRead

encodedBytes = deltas = 0
const cpuBefore = process.cpuUsage()
const start = performance.now()
let peakRss = 0
let longestStallMs = 0
for (let last = start; last - start < seconds * 1000;) {
  await new Promise((resolve) => setTimeout(resolve, 50))
  const now = performance.now()
  longestStallMs = Math.max(longestStallMs, now - last - 50)
  last = now
  peakRss = Math.max(peakRss, process.memoryUsage.rss())
}
const elapsedMs = performance.now() - start
const cpu = process.cpuUsage(cpuBefore)
const snapshot = await console_.handlers['fleet.snapshot']({}, context)
const ages = snapshot.nodes.flatMap((node) =>
  node.services.filter(({ kind }) => kind === 'haproxy').map(({ readAt }) => Date.now() - (readAt ?? 0)),
)
process.stdout.write(
  `${JSON.stringify({
    read,
    servers: snapshot.servers.length,
    firstLightMs,
    cores: (cpu.user + cpu.system) / 1000 / elapsedMs,
    peakRssMb: peakRss / 1e6,
    longestStallMs,
    deltasPerS: (deltas / elapsedMs) * 1000,
    encodedMbPerS: encodedBytes / elapsedMs / 1000,
    oldestMs: Math.max(...ages),
  })}\n`,
)
await console_.stop()
process.exit(0)
