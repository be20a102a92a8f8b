/**
 * Finding nginx on a node.
 *
 * Any local user can start a process that calls itself `nginx: master process /tmp/x -c /tmp/y`, and the console runs the
 * master's binary and configuration as root (`nginx -T`). So a master counts only when all its user ids are root's.
 */
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { titleFromCmdline, type NginxProcess } from '../../domain/nginx/worker-generations.ts'
import { listProcesses } from '../linux/processes.ts'

export interface NginxProcesses {
  /** every nginx process, whoever owns it */
  all: NginxProcess[]
  /** masters that run as root, oldest first */
  masters: NginxProcess[]
  /** masters of other users, which are not trusted and not observed */
  foreignMasters: NginxProcess[]
}

export async function listNginxProcesses(session: NodeSession, limits: CallLimits): Promise<NginxProcesses> {
  const processes = await listProcesses(session, ['nginx*', 'openresty*'], limits)
  const all = processes.map((process) => ({ ...process, title: titleFromCmdline(process.cmdline) }))
  const masters = all
    .filter((process) => process.title.startsWith('nginx: master process '))
    .sort((one, other) => other.uptimeS - one.uptimeS)
  return {
    all,
    masters: masters.filter((process) => process.isRoot),
    foreignMasters: masters.filter((process) => !process.isRoot),
  }
}
