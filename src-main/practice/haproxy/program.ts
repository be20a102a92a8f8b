/*
 * `/usr/sbin/haproxy` of a practice machine. Its configuration is read and checked as 2.6.12 does; what runs are real listeners on
 * loopback. Without a terminal to hold there is no foreground: the call ends once the daemon is up, whether or not it was told `-D`.
 */
import { createListenerSet } from '../traffic/create-listener-set.ts'
import { PosixError, type Program, type ProgramCall } from '../machine/machine.ts'
import { parseOptions, type Options } from './command-line.ts'
import { loadConfig } from './config/load-config.ts'
import { createReporter, type Reporter } from './config/reporter.ts'
import type { RunningConfig } from './config/settings.ts'
import { accountsOf } from './host.ts'
import { startMaster } from './master.ts'
import { bind, startWorker } from './start-worker.ts'
import { buildText, usageText, versionText } from './version.ts'

export const runHaproxy: Program = (call) => {
  const options = parseOptions(call.argv)
  if (options === null) {
    call.stdout(versionText)
    call.stderr(usageText)
    return 1
  }
  if (options.version !== null) {
    call.stdout(options.version === 'short' ? versionText : versionText + buildText)
    return 0
  }
  const report = createReporter(call.pid, call.stderr, { quiet: options.quiet })
  const directory = options.directory === null ? call.cwd : absolute(call.cwd, options.directory)
  if (!call.machine.files.exists(directory)) {
    report.alert(`Could not change to directory ${options.directory ?? directory} : No such file or directory`)
    return 1
  }
  const load = (to: Reporter): RunningConfig | null =>
    loadConfig(
      {
        machine: call.machine,
        paths: options.files.map((file) => absolute(directory, file)),
        names: options.files,
        uid: call.uid,
      },
      accountsOf(call.machine),
      to,
    )
  const config = load(report)
  if (config === null || (options.strict && report.warnings > 0)) return 1
  return options.check ? tellCheck(call, options, config, report) : start(call, options, config, report, directory, load)
}

function tellCheck(call: ProgramCall, { quiet }: Options, config: RunningConfig, report: Reporter): number {
  const listens = config.proxies.some(({ binds, disabled }) => binds.length > 0 && !disabled)
  const say = (line: string): void => void (quiet || call.stdout(`${line}\n`))
  if (report.warnings > 0) say('Warnings were found.')
  if (!listens) {
    say('Configuration file has no error but will not start (no listener) => exit(2).')
    return 2
  }
  say('Configuration file is valid')
  return 0
}

function start(
  call: ProgramCall,
  options: Options,
  config: RunningConfig,
  report: Reporter,
  directory: string,
  load: (report: Reporter) => RunningConfig | null,
): number {
  const { machine, argv, environment } = call
  if (call.uid !== 0) {
    report.alert("[/usr/sbin/haproxy.main()] Cannot fork, or bind, without root's rights on this machine.")
    return 1
  }
  const spec = { machine, argv, cwd: directory, environment }
  const pid =
    options.masterWorker || config.global.masterWorker
      ? (startMaster({ ...spec, socket: masterBind(call, options), load }, config, report)?.pid ?? null)
      : startAlone(spec, config, report, options)
  if (pid === null) return 1
  if (options.pidFile !== null) {
    try {
      machine.files.write(absolute(directory, options.pidFile), `${pid}\n`)
    } catch (thrown) {
      if (!(thrown instanceof PosixError)) throw thrown
      report.warning(`[/usr/sbin/haproxy.main()] Cannot create pidfile ${options.pidFile}`)
    }
  }
  return 0
}

/** `path[,mode,660,group,haproxy]` */
function masterBind({ machine }: ProgramCall, { masterSocket }: Options) {
  if (masterSocket === null) return null
  const [path = '', ...rest] = masterSocket.split(',')
  const value = (name: string): string | null => (rest.includes(name) ? (rest[rest.indexOf(name) + 1] ?? null) : null)
  const { userId, groupId } = accountsOf(machine)
  return {
    path: path.replace(/^unix@/, ''),
    mode: Number.parseInt(value('mode') ?? '755', 8),
    uid: userId(value('user') ?? 'root') ?? 0,
    gid: groupId(value('group') ?? 'root') ?? 0,
  }
}

/** Without a master: one process, which ends by itself once it was told to (USR1) and its sessions are gone. */
function startAlone(
  { machine, argv, cwd, environment }: Pick<ProgramCall, 'machine' | 'argv' | 'cwd' | 'environment'>,
  config: RunningConfig,
  report: Reporter,
  { replaces }: Options,
): number | null {
  const started = startWorker(machine, config, (own) => createListenerSet(machine.network, own), {
    argv,
    cwd,
    environment,
    onSignal(signal) {
      if (signal === 'USR1') {
        started.listeners.close()
        started.closeSockets()
        void started.worker.retire().then(() => started.worker.process.exit(0))
      } else if (signal === 'TERM' || signal === 'INT') started.worker.process.exit(signal === 'TERM' ? 143 : 130)
    },
    onExit: () => started.listeners.close(),
  })
  for (const pid of replaces?.pids ?? []) {
    if (machine.processes.get(pid)?.name === 'haproxy') machine.processes.signal(pid, replaces?.signal ?? 'USR1')
  }
  if (!bind(started, report)) {
    report.alert('[/usr/sbin/haproxy.main()] Some protocols failed to start their listeners! Exiting.')
    started.worker.process.exit(1)
    return null
  }
  started.openSockets()
  return started.worker.process.pid
}

const absolute = (base: string, path: string): string => (path.startsWith('/') ? path : `${base.replace(/\/$/, '')}/${path}`)
