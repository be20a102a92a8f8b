/*
 * `/usr/sbin/keepalived` of a practice machine: VRRP over IPv4 as 2.2.7 speaks it, with real adverts on the machine's segment. Virtual servers,
 * BFD, VMACs and IPv6 are not modelled; their keywords are refused as unknown ones. Without a terminal to hold there is no foreground: the
 * call ends once the daemon is up, whether or not it was told `-n`.
 */
import { posix } from 'node:path'
import type { Program, ProgramCall } from '../machine/machine.ts'
import { loadConfig } from './config/load-config.ts'
import { createDaemonLog, type LogOptions } from './daemon/daemon-log.ts'
import { isRunning } from './daemon/own-files.ts'
import { startDaemon } from './daemon/parent.ts'
import { signalNumbers } from './daemon/signals.ts'
import { parseOptions, type Options } from './options.ts'
import { runningOnLine, usageText, versionLine, versionText } from './version.ts'

/** keepalived's exit code for "there is no configuration" */
const noConfig = 6

export const runKeepalived: Program = (call) => {
  const options = parseOptions(call.argv)
  if (typeof options === 'string') {
    call.stderr(`${options}\n`)
    return 1
  }
  if (options.signum !== null) return tellSignal(call, options.signum)
  if (options.version || options.help) {
    call.stderr(options.version ? versionText : usageText)
    return 0
  }
  if (options.unexpected.length > 0) call.stdout(`Unexpected argument(s): ${options.unexpected.join(' ')} \n`)
  return options.test === null ? start(call, options) : testConfig(call, options.config, options.test)
}

function tellSignal(call: ProgramCall, name: string): number {
  const number = Object.hasOwn(signalNumbers, name) ? signalNumbers[name] : undefined
  if (number === undefined) {
    call.stderr(`Unknown sigfunc ${name}\n`)
    return 1
  }
  call.stdout(`${number}\n`)
  return 0
}

function testConfig(call: ProgramCall, config: string, logFile: string): number {
  const { missing, messages, testCode } = loadConfig(call.machine, config, call.cwd)
  const lines = [...missing, ...messages.flatMap(({ text, isInformation }) => (isInformation ? [] : [text]))]
  const text = lines.map((line) => `${line}\n`).join('')
  if (logFile === '') call.stderr(text)
  else call.machine.files.write(posix.resolve(call.cwd, logFile), text, { mode: 0o600 })
  return testCode
}

function start(call: ProgramCall, options: Options): number {
  const { machine, argv, cwd, environment } = call
  const log: LogOptions = {
    detailed: options.detailed,
    toSyslog: options.toSyslog,
    toConsole: options.toConsole ? call.stderr : null,
  }
  const say = createDaemonLog(machine, 'Keepalived', call.pid, log)
  say(`Starting ${versionLine}`)
  say(runningOnLine)
  say(`Command line: ${argv.map((word) => `'${word}'`).join(' ')}`)
  const loaded = loadConfig(machine, options.config, cwd)
  if (loaded.files.length === 0) {
    for (const text of loaded.missing) say(text)
    say(`Stopped ${versionLine}`)
    return noConfig
  }
  if ([options.pidFile, options.vrrpPidFile].some((file) => isRunning(machine, file))) {
    say(`Configuration file ${options.config}`)
    say('daemon is already running')
    return 0
  }
  if (call.uid !== 0) {
    say(`Configuration file ${options.config}`)
    say(`pidfile_write : Cannot open ${options.pidFile} pidfile`)
    say(`Stopped ${versionLine}`)
    return 0
  }
  const spec = {
    machine,
    argv,
    cwd,
    environment,
    configPath: options.config,
    pidFile: options.pidFile,
    vrrpPidFile: options.vrrpPidFile,
    log,
  }
  startDaemon(spec, loaded)
  return 0
}
