/*
 * The runtime API of a worker: a table of commands. What the real daemon knows and this one does not carry out is answered like any unknown
 * command, so that nothing ever seems to have been done.
 */
import { logTime } from '../worker/log-lines.ts'
import { version } from '../version.ts'
import type { Worker } from '../worker/worker.ts'
import { addServer, delServer } from './dynamic-servers.ts'
import { serverCommands } from './change-server.ts'
import { mayAtLeast, Refusal, type CliCommand } from './command.ts'
import { frontendCommands } from './frontends.ts'
import { workerUsage } from './keywords.ts'
import type { CliReply, CliSession } from './session.ts'
import { showInfo } from './show-info.ts'
import { showServersConn, showServersState } from './show-servers.ts'
import { showSess, shutdownSession } from './show-sess.ts'
import { showStat } from './show-stat.ts'
import { clearTable, showTable } from './tables.ts'
import { usageReply } from './usage.ts'

const levelCommand = (level: 'user' | 'operator'): CliCommand => ({
  words: level,
  level,
  run(_args, { session }) {
    session.level = level
    return ''
  },
})

const commands: readonly CliCommand[] = [
  { words: 'show version', level: 'user', run: () => `${version}\n` },
  { words: 'show cli level', level: 'user', run: (_args, { session }) => `${session.level}\n` },
  {
    words: 'show cli sockets',
    level: 'user',
    run: (_args, { worker }) =>
      [
        '# socket lvl processes\n',
        ...worker.config.global.sockets.map(({ path, level }) => `unix@${path} ${level} all\n`),
        'sockpair@4 admin all\n',
      ].join(''),
  },
  {
    words: 'show backend',
    level: 'user',
    run: (_args, { worker }) => `# name\n${[...worker.backends.keys()].map((name) => `${name}\n`).join('')}`,
  },
  {
    words: 'show errors',
    level: 'operator',
    run: (_args, { worker }) => `Total events captured on [${logTime(worker.machine.clock.now())}] : 0\n`,
  },
  {
    words: 'show env',
    level: 'operator',
    run([name], { worker }) {
      const variables = Object.entries(worker.process.environment).filter(([key]) => name === undefined || key === name)
      if (name !== undefined && variables.length === 0) throw new Refusal('Variable not found\n')
      return variables.map(([key, value]) => `${key}=${value}\n`).join('')
    },
  },
  { words: 'show startup-logs', level: 'operator', run: () => '\n' },
  {
    words: 'set timeout',
    level: 'user',
    run([what, text], { session }) {
      if (what !== 'cli') throw new Refusal("'set timeout' only supports 'cli'.\n")
      if (text === undefined) throw new Refusal('Expects an integer value.\n')
      const [, digits, unit = 's'] = /^(\d+)(s|m|h|ms)?$/.exec(text) ?? []
      if (digits === undefined || Number(digits) < 1) throw new Refusal('Invalid timeout value.\n')
      session.timeoutMs = Number(digits) * ({ ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit] ?? 1000)
      return ''
    },
  },
  levelCommand('operator'),
  levelCommand('user'),
  showInfo,
  showStat,
  showServersState,
  showServersConn,
  showSess,
  shutdownSession,
  showTable,
  clearTable,
  addServer,
  delServer,
  ...serverCommands,
  ...frontendCommands,
]
const byWords = commands.map((command) => ({ command, words: command.words.split(' ') }))

/** One command to a worker. */
export function executeOnWorker(worker: Worker, words: readonly string[], session: CliSession): CliReply {
  if (words[0] === 'quit') return { text: null, closes: true }
  return { text: answer(worker, words, session), closes: false }
}

function answer(worker: Worker, words: readonly string[], session: CliSession): string {
  if (words[0] === 'prompt') {
    session.interactive = !session.interactive
    return ''
  }
  const found = byWords.find((each) => each.words.every((word, index) => words[index] === word))
  if (found === undefined) return usageReply(workerUsage, words)
  if (!mayAtLeast(session, found.command.level)) return 'Permission denied\n'
  try {
    return found.command.run(words.slice(found.words.length), { worker, session })
  } catch (thrown) {
    if (thrown instanceof Refusal) return thrown.message
    throw thrown
  }
}
