import type { ProbedService } from '#contract'
import type { AdminLimits } from '../../app/ports/admin-limits.ts'
import type { Clock } from '../../app/ports/clock.ts'
import type { ConfigAdmin } from '../../app/ports/config-admin.ts'
import type { NodeSession } from '../../app/ports/node-session.ts'
import { unseenByCheck } from '../../domain/net/unseen-by-check.ts'
import { checkProblems } from '../../domain/nginx/check-problems.ts'
import { listenEndpoints } from '../../domain/nginx/listen-endpoints.ts'
import { createConfigAdmin } from '../linux/config-admin.ts'
import { readNetwork } from '../linux/node-network.ts'
import { originOf } from '../linux/process-origin.ts'
import { createConfigChanger } from './change-config.ts'
import { readNginxFiles } from './config-files.ts'
import { commandFrom } from './detect.ts'
import { nginxArgv } from './load-config.ts'
import { listNginxProcesses } from './processes.ts'
import { readRunning } from './read-member.ts'

/** nginx's part of changing its configuration: what is believed after a reload stands in change-config.ts. */
export function createNginxConfigAdmin({ clock, service }: { clock: Clock; service: ProbedService }): ConfigAdmin {
  const command = commandFrom(service.endpoints)
  const changer = createConfigChanger({ clock })
  const running = async (session: NodeSession, limits: AdminLimits) =>
    readRunning(session, service, await readNginxFiles(session, service, limits), limits)

  return createConfigAdmin(
    {
      kind: 'nginx',
      readFiles: (session, limits) => readNginxFiles(session, service, limits),
      testArgv: nginxArgv(command, '-t'),
      judge: ({ code, stderr }) => checkProblems(stderr, code),
      async unseen(session, { before, after }, limits) {
        const [network, { all }] = await Promise.all([readNetwork(session, limits), listNginxProcesses(session, limits)])
        const { masterPid } = await running(session, limits)
        const own = all.filter(({ pid, parentPid }) => pid === masterPid || parentPid === masterPid)
        const pids = new Set(own.map(({ pid }) => pid))
        return unseenByCheck(listenEndpoints(after), listenEndpoints(before), network, { pids, sharesOwn: false })
      },
      async revival(session, limits) {
        const { masterPid: pid } = await running(session, limits)
        // a running nginx shows its title where its arguments were
        const { unit } = await originOf(session, pid, limits)
        return { name: 'nginx', pid, signal: 'HUP', unit, argv: nginxArgv(command) }
      },
      async reload(session, limits) {
        await changer.reload(session, await running(session, limits), limits)
        return { mayMoveVip: false }
      },
      reloadCommand: nginxArgv(command, '-s', 'reload').join(' '),
    },
    { clock },
  )
}
