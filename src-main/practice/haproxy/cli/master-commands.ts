import { version } from '../version.ts'
import type { Worker } from '../worker/worker.ts'
import { masterUsage } from './keywords.ts'
import type { CliReply, CliSession } from './session.ts'
import { usageReply } from './usage.ts'
import { executeOnWorker } from './worker-commands.ts'

/** What the master's socket can see and do. */
export interface MasterView {
  readonly pid: number
  /** reloads since the start, and failed ones since the last good one */
  readonly reloads: number
  readonly failed: number
  uptimeMs(): number
  readonly current: Worker | null
  readonly old: readonly Worker[]
  /** how many reloads ago a worker was made */
  reloadsOf(worker: Worker): number
  reload(): void
}

/** `0d00h00m47s` */
function uptimeText(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${Math.floor(seconds / 86_400)}d${two(Math.floor(seconds / 3600) % 24)}h${two(Math.floor(seconds / 60) % 60)}m${two(seconds % 60)}s`
}

function showProc(master: MasterView): string {
  const line = (pid: number | string, type: string, reloads: number | string, uptime: string, of: string): string =>
    `${[String(pid), type, String(reloads), uptime].map((cell) => cell.padEnd(16)).join('')}${of.padEnd(15)}\n`
  const workerLine = (worker: Worker): string =>
    line(worker.process.pid, 'worker', master.reloadsOf(worker), uptimeText(worker.uptimeMs()), version)
  return [
    line('#<PID>', '<type>', '<reloads>', '<uptime>', '<version>'),
    line(master.pid, 'master', `${master.reloads} [failed: ${master.failed}]`, uptimeText(master.uptimeMs()), version),
    '# workers\n',
    ...(master.current === null ? [] : [workerLine(master.current)]),
    ...(master.old.length === 0 ? [] : ['# old workers\n', ...master.old.map(workerLine)]),
    '# programs\n',
  ].join('')
}

/** `''`: the master itself; null: no such process. */
function targetOf(master: MasterView, prefix: string): Worker | '' | null {
  if (prefix === '@master' || prefix === '@0') return ''
  if (prefix === '@1') return master.current
  const pid = /^@!(\d+)$/.exec(prefix)?.[1]
  const workers = master.current === null ? master.old : [master.current, ...master.old]
  if (pid === undefined) return null
  return Number(pid) === master.pid ? '' : (workers.find(({ process }) => process.pid === Number(pid)) ?? null)
}

/**
 * One command to the master. A prefix sends it to a worker; in 2.6 the prefix holds for this one command only. A stopped worker never
 * answers.
 */
export async function executeOnMaster(master: MasterView, words: readonly string[], session: CliSession): Promise<CliReply> {
  const [first = '', ...rest] = words
  if (!first.startsWith('@')) return ownReply(master, words, session)
  const target = targetOf(master, first)
  if (target === null) return { text: `Can't find the target PID matching the prefix '${first}'`, closes: true }
  if (rest.length === 0) return { text: null, closes: false }
  if (target === '') return ownReply(master, rest, session)
  await target.process.running()
  return executeOnWorker(target, rest, session)
}

const said = (text: string | null, closes = false): CliReply => ({ text, closes })

/** By the words a command begins with; what follows them is ignored, as by the daemon. */
const own: readonly (readonly [string, (master: MasterView, session: CliSession) => CliReply])[] = [
  ['quit', () => said(null, true)],
  ['show proc', (master) => said(showProc(master))],
  ['show version', () => said(`${version}\n`)],
  ['show cli level', (_master, session) => said(`${session.level}\n`)],
  ['show cli sockets', () => said('')],
  // These are of the connection, not commands of a process: there is no reply to them.
  [
    'prompt',
    (_master, session) => {
      session.interactive = !session.interactive
      return said(null)
    },
  ],
  [
    'operator',
    (_master, session) => {
      if (session.level === 'admin') session.level = 'operator'
      return said(null)
    },
  ],
  [
    'user',
    (_master, session) => {
      session.level = 'user'
      return said(null)
    },
  ],
  [
    'reload',
    (master, session) => {
      if (session.level !== 'admin') return said('Permission denied\n')
      master.reload()
      return said(null, true)
    },
  ],
]

function ownReply(master: MasterView, words: readonly string[], session: CliSession): CliReply {
  const found = own.find(([command]) => command.split(' ').every((word, index) => words[index] === word))
  return found === undefined ? said(usageReply(masterUsage, words)) : found[1](master, session)
}
