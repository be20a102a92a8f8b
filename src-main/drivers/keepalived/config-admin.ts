/*
 * keepalived's part of changing its configuration. Measured on 2.2.7.
 *
 * A reload is SIGHUP to the parent, and it is taken whatever the file says: with what was understood of it, or by ending where it names an
 * interface that is not there, with the addresses left behind. So the check is read by its words, and after the signal the daemon is asked
 * until it says of its instances what the file says.
 */
import type { ProbedService } from '#contract'
import { AppError } from '../../app/app-error.ts'
import type { AdminLimits } from '../../app/ports/admin-limits.ts'
import type { Clock } from '../../app/ports/clock.ts'
import type { ConfigAdmin } from '../../app/ports/config-admin.ts'
import type { ConfigFileReading } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { checkProblems, movingInstances, unseenInstances } from '../../domain/keepalived/check-problems.ts'
import { differsFromDaemon } from '../../domain/keepalived/differs-from-daemon.ts'
import { instancesOf, linesOf } from '../../domain/keepalived/parse-config.ts'
import type { VrrpReading } from '../../domain/fleet/reading.ts'
import { createConfigAdmin, type ConfigText } from '../linux/config-admin.ts'
import { readNetwork } from '../linux/node-network.ts'
import { run } from '../linux/run.ts'

const confirmEveryMs = 500
const confirmWithinMs = 15_000

interface KeepalivedParts {
  clock: Clock
  service: ProbedService
  config: string
  /** asks the daemon, never its memory */
  ask(session: NodeSession, limits: CallLimits): Promise<VrrpReading>
  readFiles(session: NodeSession, limits: CallLimits): Promise<ConfigFileReading[]>
}

const instancesIn = (files: readonly ConfigText[]) => instancesOf(files.flatMap(({ path, text }) => linesOf(path, text)))

export function createKeepalivedConfigAdmin({ clock, service, config, ask, readFiles }: KeepalivedParts): ConfigAdmin {
  const binary = service.endpoints['binary'] ?? 'keepalived'

  async function requireRunning(session: NodeSession, limits: AdminLimits): Promise<VrrpReading & { pid: number }> {
    const reading = await ask(session, limits)
    if (reading.pid !== null) return { ...reading, pid: reading.pid }
    throw new AppError('daemon.not-running', `keepalived does not run on ${session.nodeId}. Start it, or probe the node again.`)
  }

  async function isTaken(session: NodeSession, pid: number, onDisk: ReturnType<typeof instancesIn>, limits: AdminLimits) {
    const until = clock.monotonic() + confirmWithinMs
    let why = 'it does not say what the file says'
    while (clock.monotonic() < until) {
      await clock.sleep(confirmEveryMs, limits.signal)
      const now = await ask(session, limits)
      if (!now.running || now.pid !== pid) throw notTaken(session, 'its process has ended')
      if (now.daemonAnswered && !differsFromDaemon(onDisk, now.instances)) return
      why = now.daemonAnswered ? why : 'it does not answer'
    }
    throw notTaken(session, `after ${confirmWithinMs / 1000} s ${why}`)
  }

  return createConfigAdmin(
    {
      kind: 'keepalived',
      readFiles,
      testArgv: [binary, '-t', '-f', config],
      judge: ({ code, stderr }) => checkProblems(stderr, code),
      async unseen(session, limits) {
        const [network, reading] = await Promise.all([readNetwork(session, limits), ask(session, limits)])
        return ({ before, after }) => {
          const moving = reading.daemonAnswered ? movingInstances(reading.instances, instancesIn(after)) : []
          return [
            ...unseenInstances(instancesIn(before), instancesIn(after), network),
            ...moving.map((name) => ({
              severity: 'warning' as const,
              message: `this node holds the addresses of ${name}, which may move or be held twice unless the other member is changed at once`,
              path: null,
              line: null,
            })),
          ]
        }
      },
      async revival(session, limits) {
        const { pid } = await requireRunning(session, limits)
        return { name: 'keepalived', pid, signal: 'HUP', argv: [] }
      },
      async reload(session, limits) {
        const before = await requireRunning(session, limits)
        return async (files) => {
          const onDisk = instancesIn(files)
          const argv = ['kill', '-HUP', String(before.pid)] as const
          const { code, stderr } = await run(session, argv, { ...limits, privileged: true, maxBytes: 1024 })
          limits.record({ at: clock.now(), via: 'ssh', command: argv.join(' '), exitCode: code, reply: stderr.trim() })
          await isTaken(session, before.pid, onDisk, limits)
          return { mayMoveVip: before.daemonAnswered && movingInstances(before.instances, onDisk).length > 0 }
        }
      },
      reloadCommand: 'systemctl reload keepalived',
    },
    { clock },
  )
}

const notTaken = ({ nodeId }: NodeSession, why: string): AppError =>
  new AppError(
    'daemon.reload-rejected',
    `keepalived on ${nodeId} did not take the new configuration: ${why}. Put the files back; that starts it again where it has ended.`,
    { effect: 'unknown', details: { why } },
  )
