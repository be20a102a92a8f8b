import type { ProbedService } from '#contract'
import type { ConfigFileReading } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { includesOf } from '../../domain/nginx/includes.ts'
import { workersOf } from '../../domain/nginx/worker-generations.ts'
import { readConfigFiles } from '../linux/config-files.ts'
import { listNginxProcesses } from './processes.ts'

/**
 * The main file and what it includes, also where nginx refuses it: `nginx -T` prints nothing then, and that is when somebody wants to look.
 * The workers have read them when they began; one that crashed and came back is younger than its generation.
 */
export async function readNginxFiles(
  session: NodeSession,
  service: ProbedService,
  limits: CallLimits,
): Promise<ConfigFileReading[]> {
  const processes = await listNginxProcesses(session, limits)
  const master = processes.masters.find(({ pid }) => pid === service.pid) ?? processes.masters[0]
  const ages = workersOf(master?.pid ?? -1, processes.all).flatMap(({ generation, uptimeS }) =>
    generation === 'current' && uptimeS !== null ? [uptimeS] : [],
  )
  const main = service.configFiles[0]
  const folder = main?.slice(0, main.lastIndexOf('/') + 1) ?? ''
  const roots = {
    paths: main === undefined ? [] : [main],
    includesOf: (path: string, text: string) =>
      includesOf(path, text).map((each) => (each.startsWith('/') ? each : folder + each)),
    uptimeS: ages.length === 0 ? null : Math.max(...ages),
  }
  return readConfigFiles(session, roots, limits)
}
