import type { NodeId, ProbeFinding, ProbeReport } from '#contract'
import { appErrorFrom, type AppError } from './app-error.ts'
import type { InventoryService } from './inventory-service.ts'
import type { Clock } from './ports/clock.ts'
import type { BoundService, Detected, Driver, NodeFacts } from './ports/driver.ts'
import type { Log } from './ports/log.ts'
import type { CallLimits, NodeSession } from './ports/node-session.ts'
import type { InventoryRepo } from './ports/store.ts'

/** Asks a node what it is; `drivers/linux/node-facts.ts` behind a name that the services may know. */
export type ProbeNodeFacts = (session: NodeSession, limits: CallLimits) => Promise<NodeFacts>

export interface ProbeService {
  /** Look at the node and every daemon on it, keep the report, and use what was found from the next round on. */
  probe(nodeId: NodeId, session: NodeSession, limits: CallLimits): Promise<ProbeReport>
  lastProbe(nodeId: NodeId): ProbeReport | null
  /** the daemons of the last probe, ready to be read; null when the node was never probed */
  services(nodeId: NodeId): readonly BoundService[] | null
  /** what was found may no longer be true (a daemon restarted or is missing): probe again before a round, not at once */
  doubt(nodeId: NodeId): void
  isDue(nodeId: NodeId): boolean
  forget(nodeId: NodeId): void
}

export interface ProbeServiceParts {
  drivers: readonly Driver[]
  probeNodeFacts: ProbeNodeFacts
  inventory: InventoryService
  repo: InventoryRepo
  /** a viewer looks, and leaves writing to the driver */
  mayWrite: () => boolean
  clock: Clock
  log: Log
}

/**
 * A doubted node is probed again this long after its last probe; twice as long each time the probe found the same again, so that a
 * daemon that stays stopped does not cost its node a dozen commands every few seconds. One on which nothing was found, each minute.
 */
const doubtedAfterMs = 10_000
const doubtedAtMostMs = 5 * 60_000
const emptyAfterMs = 60_000

interface Known {
  services: readonly BoundService[]
  /** monotonic; null when the report comes from an earlier start */
  probedAt: number | null
  doubted: boolean
  /** how long after the last probe a doubt leads to the next */
  patienceMs: number
}

export function createProbeService(parts: ProbeServiceParts): ProbeService {
  const { drivers, probeNodeFacts, inventory, repo, mayWrite, clock, log } = parts
  const known = new Map<NodeId, Known>()
  const reports = new Map<NodeId, ProbeReport>()

  function bindAll(detected: readonly Detected[]): BoundService[] {
    return detected.flatMap((each) => {
      const driver = drivers.find((candidate) => candidate.kind === each.service.kind)
      return driver === undefined ? [] : [driver.bind(each)]
    })
  }

  function lastProbe(nodeId: NodeId): ProbeReport | null {
    return reports.get(nodeId) ?? repo.probe(nodeId)
  }

  function stored(nodeId: NodeId): Known | null {
    const report = lastProbe(nodeId)
    if (report === null) return null
    const services = bindAll(report.services.map((service) => ({ service, findings: [] })))
    const entry = { services, probedAt: null, doubted: false, patienceMs: doubtedAfterMs }
    known.set(nodeId, entry)
    return entry
  }

  return {
    async probe(nodeId, session, limits) {
      const node = inventory.requireNode(nodeId)
      const startedAt = clock.monotonic()
      const facts = await probeNodeFacts(session, limits)
      const found = await Promise.all(
        drivers.map((driver) => detected(driver, () => driver.detect(session, facts, node.services ?? {}, limits), limits)),
      )
      const present = found.flatMap((each) => (each.detected === null ? [] : [each.detected]))
      const report: ProbeReport = {
        nodeId,
        at: clock.now(),
        durationMs: Math.round(clock.monotonic() - startedAt),
        ...facts,
        services: present.map((each) => each.service),
        findings: [...present.flatMap((each) => each.findings), ...found.flatMap((each) => each.findings)],
      }
      // The node may have been removed or given another address while it was looked at.
      if (inventory.node(nodeId) !== node) return report
      const before = known.get(nodeId)
      const inVain = before?.doubted === true && sameFound(lastProbe(nodeId), report)
      const patienceMs = inVain ? Math.min(before.patienceMs * 2, doubtedAtMostMs) : doubtedAfterMs
      known.set(nodeId, { services: bindAll(present), probedAt: clock.monotonic(), doubted: false, patienceMs })
      reports.set(nodeId, report)
      if (mayWrite()) repo.saveProbe(report)
      log.info('node probed', { node: nodeId, services: report.services.map((service) => service.kind), ms: report.durationMs })
      return report
    },
    lastProbe,
    services: (nodeId) => (known.get(nodeId) ?? stored(nodeId))?.services ?? null,
    doubt(nodeId) {
      const entry = known.get(nodeId)
      if (entry !== undefined) entry.doubted = true
    },
    isDue(nodeId) {
      const entry = known.get(nodeId) ?? stored(nodeId)
      if (entry === null) return true
      if (!entry.doubted && entry.services.length > 0) return false
      const age = entry.probedAt === null ? Infinity : clock.monotonic() - entry.probedAt
      return age >= (entry.services.length > 0 ? entry.patienceMs : emptyAfterMs)
    },
    forget(nodeId) {
      known.delete(nodeId)
      reports.delete(nodeId)
    },
  }
}

/** One daemon that cannot be looked at does not hide the others; a lost connection or a cancelled call ends the probe. */
async function detected(
  driver: Driver,
  detect: () => Promise<Detected | null>,
  limits: CallLimits,
): Promise<{ detected: Detected | null; findings: ProbeFinding[] }> {
  try {
    return { detected: await detect(), findings: [] }
  } catch (thrown) {
    limits.signal.throwIfAborted()
    const error = appErrorFrom(thrown)
    if (endsProbe(error)) throw error
    const rule = `${driver.kind}.probe-failed`
    return { detected: null, findings: [{ severity: 'error', rule, message: error.message, fix: null }] }
  }
}

function sameFound(before: ProbeReport | null, now: ProbeReport): boolean {
  const found = ({ services, findings }: ProbeReport): string => JSON.stringify([services, findings])
  return before !== null && found(before) === found(now)
}

function endsProbe({ code }: AppError): boolean {
  return code.startsWith('ssh.') || code === 'node.unreachable' || code === 'host.internal'
}
