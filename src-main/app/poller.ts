/**
 * Reads every node over and over.
 *
 * Model: one loop per node, and loops share nothing but the clock: a node that is slow, dead or black-holed delays only itself. A node
 * has one round at a time, so there are never more rounds than nodes; handshakes are bounded by the sessions underneath. Within a round
 * the daemons are read one after the other, so that the bytes each one cost can be told, but a daemon that takes longer than
 * `patienceMs` no longer holds up the next: a stopped keepalived must not blind the console to HAProxy.
 * The first rounds are spread over one poll so that a large fleet does not answer in one burst, and every node keeps its place in the
 * poll: rounds that a busy moment or a refresh brought together come apart again.
 */
import type { NodeId, ServiceKind } from '#contract'
import type { ServiceReading } from '../domain/fleet/reading.ts'
import { AppError, appErrorFrom } from './app-error.ts'
import type { Clock } from './ports/clock.ts'
import type { BoundService } from './ports/driver.ts'
import type { Log } from './ports/log.ts'
import type { NodeSession, NodeSessions } from './ports/node-session.ts'
import type { ProbeService } from './probe-service.ts'

/** What a round found, as it finds it. */
export interface RoundSink {
  /** the daemons of the node, before the first of them is read */
  probed(nodeId: NodeId, services: readonly { kind: ServiceKind; version: string }[]): void
  /** answers whether the daemon was restarted since the reading before */
  read(nodeId: NodeId, round: ServiceRound): { restarted: boolean }
  failed(nodeId: NodeId, kind: ServiceKind, error: AppError): void
  /** no round was possible: the node cannot be reached, or cannot be probed */
  unreachable(nodeId: NodeId, error: AppError): void
}

export interface ServiceRound {
  reading: ServiceReading
  /** when the reading was complete, epoch milliseconds */
  at: number
  costMs: number
  /** null when another daemon was read at the same time */
  costBytes: number | null
}

export interface Poller {
  /** Read these nodes and no others. */
  setNodes(nodeIds: readonly NodeId[]): void
  /** Take up a changed rate, or the end of a pause, now: on these nodes, or on all. */
  wake(nodeIds?: readonly NodeId[]): void
  /** One round of one node, or of all, that starts after this call; a node waiting to be retried is dialled at once. */
  refresh(nodeId: NodeId | null, signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

export interface PollerParts {
  sessions: NodeSessions
  probes: ProbeService
  sink: RoundSink
  pollMs: () => number
  isPaused: () => boolean
  /** 0 to 1; spreads the first rounds */
  random: () => number
  clock: Clock
  log: Log
}

const dialTimeoutMs = 30_000
const probeTimeoutMs = 30_000
const observeTimeoutMs = 10_000
const patienceMs = 500
/** Even when rounds take longer than the rate asks for, a node gets this much rest between them. */
const leastRestMs = 100
/** While paused, a loop looks again this often in case nobody woke it. */
const pausedLookMs = 60_000

interface Loop {
  stop(): Promise<void>
  wake(): void
  refresh(): Promise<void>
}

export function createPoller(parts: PollerParts): Poller {
  const loops = new Map<NodeId, Loop>()

  return {
    setNodes(nodeIds) {
      const wanted = new Set(nodeIds)
      for (const [nodeId, loop] of loops) {
        if (wanted.has(nodeId)) continue
        loops.delete(nodeId)
        void loop.stop()
      }
      for (const nodeId of wanted) if (!loops.has(nodeId)) loops.set(nodeId, startLoop(parts, nodeId))
    },
    wake(nodeIds = [...loops.keys()]) {
      for (const nodeId of nodeIds) loops.get(nodeId)?.wake()
    },
    async refresh(nodeId, signal) {
      const chosen = nodeId === null ? [...loops.values()] : [loops.get(nodeId)].filter((loop) => loop !== undefined)
      await abortable(Promise.all(chosen.map((loop) => loop.refresh())), signal)
    },
    async stop() {
      const stopping = [...loops.values()].map((loop) => loop.stop())
      loops.clear()
      await Promise.all(stopping)
    },
  }
}

function startLoop(parts: PollerParts, nodeId: NodeId): Loop {
  const { clock, log, pollMs, isPaused, random } = parts
  const stopping = new AbortController()
  let waiting: (() => void)[] = []
  let nap = new AbortController()

  async function rest(ms: number): Promise<void> {
    if (waiting.length > 0) return
    nap = new AbortController()
    // Woken early or stopped: both are seen by the loop itself.
    await clock.sleep(ms, AbortSignal.any([nap.signal, stopping.signal])).catch(() => undefined)
  }

  async function run(): Promise<void> {
    const offsetMs = random() * pollMs()
    let due = clock.monotonic() + offsetMs
    await rest(offsetMs)
    while (!stopping.signal.aborted) {
      const asked = waiting
      waiting = []
      if (asked.length === 0 && isPaused()) {
        await rest(pausedLookMs)
        continue
      }
      const startedAt = clock.monotonic()
      try {
        await round(parts, nodeId, asked.length > 0, stopping.signal)
      } catch (error) {
        if (!stopping.signal.aborted) log.error('round failed', { node: nodeId, error: String(error) })
      }
      for (const done of asked) done()
      const now = clock.monotonic()
      due = now - startedAt < pollMs() ? nextPlace(due, pollMs(), now + leastRestMs) : now + leastRestMs
      await rest(due - now)
    }
    for (const done of waiting) done()
  }

  const running = run()
  return {
    wake: () => nap.abort(),
    refresh: () =>
      new Promise((resolve) => {
        if (stopping.signal.aborted) return resolve()
        waiting.push(resolve)
        nap.abort()
      }),
    stop() {
      stopping.abort()
      return running
    },
  }
}

/** The first of `place`, `place + every`, `place + 2 × every`, … that is not before `earliest`. */
function nextPlace(place: number, every: number, earliest: number): number {
  return place + Math.max(0, Math.ceil((earliest - place) / every)) * every
}

async function round(parts: PollerParts, nodeId: NodeId, force: boolean, signal: AbortSignal): Promise<void> {
  const { sessions, probes, sink } = parts
  let session: NodeSession
  let services: readonly BoundService[] | null
  try {
    session = await sessions.session(nodeId, { signal, timeoutMs: dialTimeoutMs, force })
    if (probes.isDue(nodeId)) await probes.probe(nodeId, session, { signal, timeoutMs: probeTimeoutMs })
    services = probes.services(nodeId)
  } catch (thrown) {
    if (!signal.aborted) sink.unreachable(nodeId, appErrorFrom(thrown))
    return
  }
  const report = probes.lastProbe(nodeId)
  sink.probed(nodeId, report?.services ?? [])
  await readAll(parts, nodeId, session, services ?? [], signal)
}

async function readAll(
  parts: PollerParts,
  nodeId: NodeId,
  session: NodeSession,
  services: readonly BoundService[],
  signal: AbortSignal,
): Promise<void> {
  const { clock } = parts
  const running = new Set<Promise<void>>()
  let started = 0
  for (const service of services) {
    const place = ++started
    const alone = running.size === 0
    const reading: Promise<void> = readOne(parts, nodeId, session, service, () => alone && started === place, signal).finally(
      () => running.delete(reading),
    )
    running.add(reading)
    const patience = new AbortController()
    await Promise.race([reading, clock.sleep(patienceMs, patience.signal).catch(() => undefined)])
    // with a reason, or an error with a stack would be made in every round
    patience.abort('read')
  }
  await Promise.all(running)
}

async function readOne(
  { clock, sink, probes }: PollerParts,
  nodeId: NodeId,
  session: NodeSession,
  service: BoundService,
  wasAlone: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  const startedAt = clock.monotonic()
  const before = bytesOf(session)
  try {
    const reading = await service.observe(session, { signal, timeoutMs: observeTimeoutMs })
    const { restarted } = sink.read(nodeId, {
      reading,
      at: clock.now(),
      costMs: Math.round(clock.monotonic() - startedAt),
      costBytes: wasAlone() ? bytesOf(session) - before : null,
    })
    if (restarted) probes.doubt(nodeId)
  } catch (thrown) {
    if (signal.aborted) return
    const error = appErrorFrom(thrown)
    sink.failed(nodeId, service.kind, error)
    // Not the connection's fault: the daemon may be gone or may have come back with another socket.
    if (!error.code.startsWith('ssh.')) probes.doubt(nodeId)
  }
}

function bytesOf(session: NodeSession): number {
  const { received, sent } = session.traffic()
  return received + sent
}

/** The promise, or `request.cancelled` as soon as the signal is aborted. */
async function abortable(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  let onAbort = (): void => undefined
  const cancelled = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new AppError('request.cancelled', 'The call was cancelled.'))
  })
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([promise, cancelled])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
