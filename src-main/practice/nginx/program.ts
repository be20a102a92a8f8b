/*
 * `/usr/sbin/nginx` of a practice machine, as 1.22.1 of Debian 12: its version, the test and dump of a configuration, signals to the one that
 * runs, and nginx itself. Without a terminal to hold there is no foreground: `daemon off` is refused.
 */
import { PosixError, type Program, type ProgramCall } from '../machine/machine.ts'
import { bindComplaint, findObstacles, wantedSockets } from './bindings.ts'
import { parseOptions, signals, type Options } from './command-line.ts'
import { named } from './config/levels.ts'
import { ConfigError } from './config/statement.ts'
import { errnoText } from './errno.ts'
import { loadConfig } from './load-config.ts'
import { awaitSockets, startMaster } from './master.ts'
import { openFile, prepare } from './open-files.ts'
import { signalNumber } from '../shell/signals.ts'
import { buildText, usageText, versionText } from './version.ts'
import { earlyLogs, voiceOf, type Tell } from './voice.ts'

export const runNginx: Program = async (call) => {
  const options = parseOptions(call.argv)
  if ('error' in options) {
    call.stderr(`nginx: ${options.error}\n`)
    return 1
  }
  if (options.show !== null) {
    call.stderr({ version: versionText, build: buildText, help: usageText }[options.show])
    return 0
  }
  const tell = voiceOf(call, earlyLogs(options.errorLog))
  try {
    if (options.test !== null) return testConfig(call, options, tell)
    if (options.signal !== null) return sendSignal(call, options, options.signal, tell)
    return await start(call, options, tell)
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown
    tell('emerg', thrown.message)
    if (options.test !== null) call.stderr(`nginx: configuration file ${options.config} test failed\n`)
    return 1
  }
}

const warnBy = (tell: Tell) => (message: string) => tell('warn', message)

/** `nginx -t` and `nginx -T`: reads the configuration as a start would, makes the log files that are missing, and tries the addresses. */
function testConfig(call: ProgramCall, options: Options, tell: Tell): number {
  const { machine, uid, pid, stdout, stderr } = call
  const { config, quiet, test } = options
  const loaded = loadConfig(machine, uid, options, warnBy(tell))
  const { statements, settings, files } = loaded
  if (!quiet) stderr(`nginx: the configuration file ${config} syntax is ok\n`)
  if (named(statements, 'events').length === 0) throw new ConfigError('no "events" section in configuration')
  openFile(machine, settings.pidFile, uid)
  prepare(machine, loaded, uid)
  // An address that is in use is no fault: it may be this very nginx that uses it.
  const obstacle = findObstacles(machine, wantedSockets(settings), [], pid).find(({ error }) => error.code !== 'EADDRINUSE')
  if (obstacle !== undefined) {
    voiceOf(call, settings.errorLogs)('emerg', bindComplaint(obstacle))
    stderr(`nginx: configuration file ${config} test failed\n`)
    return 1
  }
  if (!quiet) stderr(`nginx: configuration file ${config} test is successful\n`)
  if (test === 'dump') for (const [path, text] of files) stdout(`# configuration file ${path}:\n${text}\n`)
  return 0
}

/** `nginx -s`: to the process of the pid file that the configuration names. */
function sendSignal({ machine, uid }: ProgramCall, options: Options, word: keyof typeof signals, tell: Tell): number {
  const { pidFile } = loadConfig(machine, uid, options, warnBy(tell)).settings
  tell('notice', 'signal process started')
  const signal = signals[word]
  let written: string
  try {
    written = machine.files
      .read(pidFile, uid)
      .toString('utf8')
      .replace(/[\r\n]+$/, '')
  } catch (thrown) {
    if (!(thrown instanceof PosixError)) throw thrown
    tell('error', `open() "${pidFile}" failed (${errnoText(thrown)})`)
    return 1
  }
  if (!/^\d+$/.test(written) || Number(written) === 0) {
    tell('error', `invalid PID number "${written}" in "${pidFile}"`)
    return 1
  }
  try {
    machine.processes.signal(Number(written), signal, uid)
    return 0
  } catch (thrown) {
    if (!(thrown instanceof PosixError)) throw thrown
    tell('alert', `kill(${Number(written)}, ${signalNumber(signal)}) failed (${errnoText(thrown)})`)
    return 1
  }
}

async function start(call: ProgramCall, options: Options, tell: Tell): Promise<number> {
  const { machine, uid, pid, argv, cwd, environment } = call
  const loaded = loadConfig(machine, uid, options, warnBy(tell))
  const { settings, statements } = loaded
  if (named(statements, 'events').length === 0) throw new ConfigError('no "events" section in configuration')
  prepare(machine, loaded, uid)
  if (uid !== 0) throw new ConfigError("a practice nginx starts only with root's rights")
  const late = voiceOf(call, settings.errorLogs)
  if (!(await awaitSockets(machine, settings, [], pid, late))) return 1
  openFile(machine, settings.pidFile, uid)
  for (const text of ['using the "epoll" event method', 'nginx/1.22.1']) late('notice', text)
  startMaster(
    {
      ...{ machine, argv, cwd, environment },
      load(warn) {
        const next = loadConfig(machine, 0, options, warn)
        prepare(machine, next, 0)
        return next.settings
      },
    },
    settings,
  )
  return 0
}
