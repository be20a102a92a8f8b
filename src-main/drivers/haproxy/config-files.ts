import type { ProbedService } from '#contract'
import type { ConfigFileReading } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { readConfigFiles } from '../linux/config-files.ts'
import { listProcesses as listWithUptime } from '../linux/processes.ts'
import { findInstances, listProcesses, type HaproxyProcess } from './processes.ts'
import { expandPaths } from './read-config.ts'

/**
 * The files of the running command line, folders expanded anew; those of the probe where HAProxy does not run. A worker has read them
 * when it began, and a reload that failed leaves the old worker in place, so the newest worker tells what is loaded.
 */
export async function readHaproxyFiles(
  session: NodeSession,
  service: ProbedService,
  limits: CallLimits,
): Promise<ConfigFileReading[]> {
  const [processes, timed] = await Promise.all([listProcesses(session, limits), listWithUptime(session, ['haproxy'], limits)])
  const uptimes = new Map(timed.map(({ pid, uptimeS }) => [pid, uptimeS]))
  const known = new Set(service.configFiles)
  const candidates = await Promise.all(
    findInstances(processes).map(async (instance) => ({
      files: await expandPaths(session, instance.commandLine.configFiles, limits),
      uptimeS: youngest(instance, processes, uptimes),
    })),
  )
  // without a master, the process of before a reload stays beside the new one
  const running = candidates
    .filter(({ files }) => files.some((file) => known.has(file)))
    .sort((one, other) => (one.uptimeS ?? Infinity) - (other.uptimeS ?? Infinity))[0]
  return readConfigFiles(
    session,
    { paths: running?.files ?? service.configFiles, includesOf: () => [], uptimeS: running?.uptimeS ?? null },
    limits,
  )
}

function youngest(
  instance: HaproxyProcess,
  processes: readonly HaproxyProcess[],
  uptimes: ReadonlyMap<number, number>,
): number | null {
  const workers = processes.filter(({ parentPid }) => parentPid === instance.pid)
  const ages = (workers.length === 0 ? [instance] : workers).flatMap(({ pid }) => uptimes.get(pid) ?? [])
  return ages.length === 0 ? null : Math.min(...ages)
}
