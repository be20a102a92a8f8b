import { AppError } from '../../app/app-error.ts'
import type { Clock } from '../../app/ports/clock.ts'
import type { BoundService, Detected, Driver } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import type { BalancerReading } from '../../domain/fleet/reading.ts'
import { readingFromNginx } from '../../domain/nginx/reading.ts'
import { findUpstreams, type Upstream } from '../../domain/nginx/upstreams.ts'
import { generationAfter, isNewGeneration, workersOf, type NginxProcess } from '../../domain/nginx/worker-generations.ts'
import { readNginxFiles } from './config-files.ts'
import { createNginxConfigAdmin } from './config-admin.ts'
import { listConnections, readStubStatus } from './connections.ts'
import { commandFrom, detectNginx, readVersion } from './detect.ts'
import { loadConfig, type NginxCommand } from './load-config.ts'
import { listNginxProcesses, type NginxProcesses } from './processes.ts'
import { createServerAdmin } from './server-admin.ts'

/** Open-source nginx: it is read from its configuration and the kernel, and changed by its configuration and a reload. */
export function createNginxDriver({ clock }: { clock: Clock }): Driver {
  return { kind: 'nginx', detect: detectNginx, bind: (detected) => bindNginx(detected, clock) }
}

/** What the running workers loaded, as far as it can be known. */
interface Loaded {
  masterPid: number
  workerPids: number[]
  version: string
  upstreams: Upstream[]
}

/**
 * The running nginx does not say which configuration it loaded. The one on disk is taken for it at the moment a generation of
 * workers is first seen, and kept until no worker of that generation is current any more; an edit on disk without a reload
 * therefore does not show. The first reading after a start of the console trusts the disk: `detect` warns when it is newer than
 * the workers.
 */
function bindNginx({ service }: Detected, clock: Clock): BoundService {
  const command = commandFrom(service.endpoints)
  const ss = service.endpoints['ss'] ?? 'ss'
  const statusUrl = service.endpoints['stubStatus'] ?? null
  const mayEdit = service.endpoints['edit'] === 'yes'
  let loaded: Loaded | null = null

  async function observe(session: NodeSession, limits: CallLimits): Promise<BalancerReading> {
    const known = loaded
    const [processes, connectionsOfKnown, status] = await Promise.all([
      listNginxProcesses(session, limits),
      known === null ? null : listConnections(session, ss, known.upstreams, limits),
      statusUrl === null ? null : readStubStatus(session, statusUrl, limits),
    ])
    const master = runningMaster(processes, known?.masterPid ?? service.pid)
    const workers = workersOf(master.pid, processes.all)
    const stale = known === null || known.masterPid !== master.pid || isNewGeneration(known.workerPids, workers)
    const current = stale ? await load(session, command, master, processes, limits) : known
    const connections = stale ? await listConnections(session, ss, current.upstreams, limits) : connectionsOfKnown
    loaded = { ...current, workerPids: generationAfter(current.workerPids, workers) }
    return readingFromNginx({
      version: current.version,
      masterPid: master.pid,
      uptimeS: master.uptimeS,
      workers,
      upstreams: current.upstreams,
      connections,
      requests: status?.requests ?? null,
      canSetState: mayEdit,
    })
  }

  return {
    kind: 'nginx',
    observe,
    serverAdmin: mayEdit ? createServerAdmin({ clock, service, context: 'http' }) : null,
    streamAdmin: mayEdit ? createServerAdmin({ clock, service, context: 'stream' }) : null,
    readConfig: (session, limits) => readNginxFiles(session, service, limits),
    configAdmin: mayEdit ? createNginxConfigAdmin({ clock, service }) : null,
  }
}

async function load(
  session: NodeSession,
  command: NginxCommand,
  master: NginxProcess,
  processes: NginxProcesses,
  limits: CallLimits,
): Promise<Loaded> {
  const [config, version] = await Promise.all([
    loadConfig(session, command, limits),
    readVersion(session, command.binary, limits),
  ])
  return {
    masterPid: master.pid,
    workerPids: workersOf(master.pid, processes.all).flatMap(({ pid, generation }) => (generation === 'current' ? [pid] : [])),
    version: version?.version ?? 'unknown',
    upstreams: findUpstreams(config.parsed.directives),
  }
}

/** The master seen before, else the oldest one: during a binary upgrade there are two for a while. */
function runningMaster(processes: NginxProcesses, knownPid: number | null): NginxProcess {
  const master = processes.masters.find((process) => process.pid === knownPid) ?? processes.masters[0]
  if (master !== undefined) return master
  throw new AppError(
    'daemon.not-running',
    processes.foreignMasters.length > 0
      ? 'nginx runs on this node, but not as root: only a master process started by root is observed.'
      : 'nginx does not run on this node: no master process was found. Start it, or probe the node again.',
  )
}
