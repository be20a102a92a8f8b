/** keepalived's first process: it keeps its VRRP child running and passes signals on. */
import type { Machine, PracticeProcess, SignalName } from '../../machine/machine.ts'
import { loadConfig, type LoadedConfig } from '../config/load-config.ts'
import { createDaemonLog, type LogOptions } from './daemon-log.ts'
import { globalDump } from './dump-global.ts'
import { createEventLoop } from './event-loop.ts'
import { removePidFile, writeDump } from './own-files.ts'
import { jsonSignal, statsClearSignal } from './signals.ts'
import { permanentConfigError, startVrrpProcess, type VrrpProcess } from './vrrp-process.ts'
import { versionLine } from '../version.ts'

interface DaemonSpec {
  machine: Machine
  argv: readonly string[]
  cwd: string
  environment: Readonly<Record<string, string>>
  configPath: string
  pidFile: string
  vrrpPidFile: string
  log: LogOptions
}

/** A respawned child waits 0, 1, 2, 4 and so on seconds, at most a minute, so that a crash at every start does not burn the machine. */
const maxRespawnDelayS = 60

/** Starts the daemon, unless its pid file cannot be written: then it says so and there is none. */
export function startDaemon(spec: DaemonSpec, first: LoadedConfig): PracticeProcess | null {
  const { machine } = spec
  let child: VrrpProcess | null = null
  let loaded: LoadedConfig | null = first
  let isStopping = false
  let respawnDelayS = 0
  const process = machine.processes.spawn({
    argv: spec.argv,
    exe: '/usr/sbin/keepalived',
    cwd: spec.cwd,
    environment: spec.environment,
    onSignal: (signal) => loop.post(() => onSignal(signal)),
    onExit({ signal }) {
      if (signal !== null) child?.orphaned()
    },
  })
  const loop = createEventLoop(machine.clock, () => process)
  const log = createDaemonLog(machine, 'Keepalived', process.pid, spec.log)

  function end(code: number): void {
    log(`Stopped ${versionLine}`)
    removePidFile(machine, spec.pidFile)
    process.exit(code)
  }
  function startChild(): void {
    child = startVrrpProcess({
      machine,
      argv: spec.argv,
      environment: spec.environment,
      parentPid: process.pid,
      pidFile: spec.vrrpPidFile,
      load() {
        const config = loaded ?? loadConfig(machine, spec.configPath, spec.cwd)
        loaded = null
        return config
      },
      log: (pid) => createDaemonLog(machine, 'Keepalived_vrrp', pid, spec.log),
      ended: (exit) => {
        const { pid } = child?.process ?? process
        child = null
        loop.post(() => onChildExit(pid, exit))
      },
    })
    log(`Starting VRRP child process, pid=${child.process.pid}`)
  }
  function onChildExit(pid: number, { code, signal }: { code: number | null; signal: SignalName | null }): void {
    if (isStopping) return end(0)
    if (code === permanentConfigError) {
      log(`pid ${pid} exited with permanent error CONFIG. Terminating`)
      return end(permanentConfigError)
    }
    // without either the power went
    if (code === null && signal === null) return
    if (signal !== null)
      log(`pid ${pid} exited due to signal ${signal === 'KILL' ? '9 (Killed) - has rlimit_rttime been exceeded?' : signal}`)
    log(`VRRP child process(${pid}) died: Respawning`)
    if (respawnDelayS > 0) log(`Restart of VRRP process delayed ${respawnDelayS} seconds to limit respawn rate`)
    loop.after(respawnDelayS * 1000, startChild)
    respawnDelayS = Math.min(maxRespawnDelayS, Math.max(1, respawnDelayS * 2))
  }
  function pass(signal: SignalName): void {
    if (child !== null) machine.processes.signal(child.process.pid, signal)
  }
  function onSignal(signal: SignalName): void {
    if (isStopping) return
    if (signal === 'TERM' || signal === 'INT') {
      log('Stopping')
      isStopping = true
      if (child === null) end(0)
      else pass('TERM')
    } else if (signal === 'HUP') reload()
    else if (signal === 'USR1') {
      log(`Printing parent data for process(${process.pid}) on signal`)
      writeDump(machine, spec.environment, 'keepalived_parent.data', globalDump(current, 'parent'))
      pass(signal)
    } else if (signal === 'USR2' || signal === jsonSignal || signal === statsClearSignal) pass(signal)
    else if (signal.startsWith('RTMIN')) process.exit(1)
  }
  function reload(): void {
    log('Reloading ...')
    const next = loadConfig(machine, spec.configPath, spec.cwd)
    logReading(next)
    if (current.global.checksBeforeReload && next.testCode !== 0) {
      log('New config failed validation, see /dev/null for details')
      return
    }
    current = next.settings
    loaded = next
    pass('HUP')
    loop.post(() => log('Reload complete'))
  }
  function logReading({ files, missing, messages }: LoadedConfig): void {
    for (const file of files) log(`Opening file '${file}'.`, 'detail')
    for (const text of missing) log(text)
    if (files[0] !== undefined) log(`Configuration file ${files[0]}`)
    for (const { pass: reader, text } of messages) if (reader === 'parent') log(text)
  }

  let current = first.settings
  logReading(first)
  try {
    machine.files.write(spec.pidFile, `${process.pid}\n`)
  } catch {
    log(`pidfile_write : Cannot open ${spec.pidFile} pidfile`)
    end(0)
    return null
  }
  startChild()
  loop.after(0, () => log('Startup complete'))
  return process
}
