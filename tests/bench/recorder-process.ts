/** The recorder and nothing else, probing from here and from every node it is told of; prints what that cost. Started by recorder.ts. */
import { once } from 'node:events'
import * as v from 'valibot'
import { NodeId } from '#contract'
import type { ProbeTarget, RecordedProbe } from '../../src-main/app/ports/recorder.ts'
import { createRecorder } from '../../src-main/recorder/create-recorder.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { createSessions } from './fleet-sessions.ts'
import type { SshFleet } from './ssh-fleet.ts'

const EVERY_MS = 20

export interface Order {
  fleet: Pick<SshFleet, 'nodes' | 'knownHostsFile' | 'privateKeyFile'>
  host: string
  port: number
  seconds: number
}

export interface PlaceCost {
  place: string
  sent: number
  /** slots of the schedule in which nothing was sent */
  missed: number
  failed: number
  p50LateMs: number
  p99LateMs: number
}

const BUCKET_MS = 0.5

/** How late each probe was, by a schedule in which most of them were in time. */
function costOf(place: string, probes: readonly RecordedProbe[]): PlaceCost {
  const origin = probes[0]?.at ?? 0
  const phaseOf = (at: number): number => (((at - origin) % EVERY_MS) + EVERY_MS) % EVERY_MS
  const buckets = new Array<number>(EVERY_MS / BUCKET_MS).fill(0)
  for (const { at } of probes) buckets[Math.floor(phaseOf(at) / BUCKET_MS)]! += 1 // every phase has its bucket
  const begin = origin + (buckets.indexOf(Math.max(...buckets)) - 1) * BUCKET_MS
  const late = probes.map(({ at }) => (at - begin + EVERY_MS) % EVERY_MS).sort((one, other) => one - other)
  const slots = new Set(probes.map(({ at }) => Math.floor((at - begin) / EVERY_MS)))
  return {
    place,
    sent: probes.length,
    missed: Math.floor(((probes.at(-1)?.at ?? 0) - begin) / EVERY_MS) + 1 - slots.size,
    failed: probes.filter(({ ok }) => !ok).length,
    p50LateMs: late[late.length >> 1] ?? NaN,
    p99LateMs: late[Math.floor(late.length * 0.99)] ?? NaN,
  }
}

const { fleet, host, port, seconds } = JSON.parse(process.argv[2] ?? '{}') as Order
const { signal } = new AbortController()
const recorder = createRecorder({ clock: systemClock })
const sessions = createSessions(fleet)
const target: ProbeTarget = { host, port, kind: 'http', path: '/', everyMs: EVERY_MS, timeoutMs: 1000 }
const places = ['console', ...fleet.nodes.map(({ name }) => name)]
const recordings = await Promise.all(
  places.map(async (place) => {
    const from = place === 'console' ? place : await sessions.session(v.parse(NodeId, place), { signal, timeoutMs: 30_000 })
    return recorder.start({ target, from, maxMs: seconds * 1000 + 60_000, signal })
  }),
)
process.stdout.write('begin\n')
const cpuBefore = process.cpuUsage()
const start = performance.now()
await systemClock.sleep(seconds * 1000, signal)
const cpu = process.cpuUsage(cpuBefore)
const cores = (cpu.user + cpu.system) / 1000 / (performance.now() - start)
process.stdout.write('end\n')
// until the others' cost is known as well
await once(process.stdin.resume(), 'end')
const recorded = await Promise.all(recordings.map((recording) => recording.stop()))
const costs = recorded.map(({ probes }, index) => costOf(places[index] ?? '', probes))
process.stdout.write(`${JSON.stringify({ cores, places: costs })}\n`)
await sessions.close()
