import type { ProbedService } from '#contract'
import type { Clock } from '../../app/ports/clock.ts'
import type { ConfigAdmin } from '../../app/ports/config-admin.ts'
import { unseenByCheck } from '../../domain/net/unseen-by-check.ts'
import { checkProblems } from '../../domain/nginx/check-problems.ts'
import { listenEndpoints } from '../../domain/nginx/listen-endpoints.ts'
import { createConfigAdmin } from '../linux/config-admin.ts'
import { readNetwork } from '../linux/node-network.ts'
import { createConfigChanger } from './change-config.ts'
import { readNginxFiles } from './config-files.ts'
import { commandFrom } from './detect.ts'
import { nginxArgv } from './load-config.ts'
import { errorLogIn, readMaster } from './read-member.ts'

/** nginx's part of changing its configuration: what is believed after a reload stands in change-config.ts. */
export function createNginxConfigAdmin({ clock, service }: { clock: Clock; service: ProbedService }): ConfigAdmin {
  const command = commandFrom(service.endpoints)
  const changer = createConfigChanger({ clock })

  return createConfigAdmin(
    {
      kind: 'nginx',
      readFiles: (session, limits) => readNginxFiles(session, service, limits),
      testArgv: nginxArgv(command, '-t'),
      judge: ({ code, stderr }) => checkProblems(stderr, code),
      async unseen(session, limits) {
        const [network, { allPids: pids }] = await Promise.all([
          readNetwork(session, limits),
          readMaster(session, service, limits),
        ])
        return ({ before, after }) =>
          unseenByCheck(listenEndpoints(after), listenEndpoints(before), network, { pids, sharesOwn: false })
      },
      async revival(session, limits) {
        const { masterPid: pid } = await readMaster(session, service, limits)
        // a running nginx shows its title where its arguments were
        return { name: 'nginx', pid, signal: 'HUP', argv: nginxArgv(command) }
      },
      async reload(session, limits) {
        const { masterPid, workerPids } = await readMaster(session, service, limits)
        return async (files) => {
          await changer.reload(session, { command, masterPid, workerPids, errorLog: errorLogIn(files) }, limits)
          return { mayMoveVip: false }
        }
      },
      reloadCommand: nginxArgv(command, '-s', 'reload').join(' '),
    },
    { clock },
  )
}
