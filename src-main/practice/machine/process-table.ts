import {
  PosixError,
  type PracticeClock,
  type PracticeProcess,
  type ProcessSpec,
  type ProcessTable,
  type SignalName,
} from './machine.ts'

/** What the machine itself does with its processes. */
export interface LocalProcessTable extends ProcessTable {
  /** The power goes: every process ends without a signal, and none can be started. */
  powerOff(): void
  /** init runs again; pids start over. */
  powerOn(): void
}

interface Entry {
  readonly process: PracticeProcess
  readonly spec: ProcessSpec
  argv: readonly string[]
  parentPid: number
  group: number
  state: PracticeProcess['state']
  /** came while the process was stopped */
  pending: SignalName[]
  waiting: { resolve: () => void; reject: (reason: Error) => void }[]
}

/** What a booted Debian has given out before the first daemon of interest starts. */
const firstPid = 612
const ignoredByDefault = new Set<SignalName>(['CHLD', 'WINCH', 'CONT'])

/** `ended` is told after a process gave up what it held, so that the kernel can take the rest. */
export function createProcessTable(clock: PracticeClock, ended: (pid: number) => void): LocalProcessTable {
  const living = new Map<number, Entry>()
  let nextPid = firstPid
  let hasPower = false

  function end(entry: Entry, code: number | null, signal: SignalName | null): void {
    if (entry.state === 'ended') return
    entry.state = 'ended'
    const { pid } = entry.process
    living.delete(pid)
    for (const other of living.values()) if (other.parentPid === pid) other.parentPid = 1
    for (const { reject } of entry.waiting.splice(0)) reject(new PosixError('ESRCH'))
    entry.spec.onExit?.({ code, signal })
    ended(pid)
  }

  function deliver(entry: Entry, signal: SignalName): void {
    if (entry.state === 'ended') return
    if (signal === 'KILL') return end(entry, null, signal)
    if (signal === 'STOP') {
      entry.state = 'stopped'
    } else if (signal === 'CONT') {
      if (entry.state !== 'stopped') return
      entry.state = 'running'
      for (const { resolve } of entry.waiting.splice(0)) resolve()
      for (const held of entry.pending.splice(0)) deliver(entry, held)
    } else if (entry.state === 'stopped') {
      // Ordinary signals do not queue: a second one of the same kind is the first one.
      if (signal.startsWith('RTMIN') || !entry.pending.includes(signal)) entry.pending.push(signal)
    } else if (entry.spec.onSignal !== undefined) {
      entry.spec.onSignal(signal)
    } else if (!ignoredByDefault.has(signal)) {
      end(entry, null, signal)
    }
  }

  function add(pid: number, spec: ProcessSpec): PracticeProcess {
    const startedAt = clock.monotonic()
    const process: PracticeProcess = {
      pid,
      name: spec.exe.slice(spec.exe.lastIndexOf('/') + 1).slice(0, 15),
      exe: spec.exe,
      uid: spec.uid ?? 0,
      cwd: spec.cwd ?? '/',
      environment: spec.environment ?? {},
      startedAt,
      get parentPid() {
        return entry.parentPid
      },
      get argv() {
        return entry.argv
      },
      get state() {
        return entry.state
      },
      get group() {
        return entry.group
      },
      setArgv(argv) {
        entry.argv = argv
      },
      leadGroup() {
        entry.group = pid
      },
      async running() {
        if (entry.state === 'ended') throw new PosixError('ESRCH')
        if (entry.state === 'stopped') await new Promise<void>((resolve, reject) => entry.waiting.push({ resolve, reject }))
      },
      exit: (code) => end(entry, code, null),
    }
    const parentPid = pid === 1 ? 0 : living.has(spec.parentPid ?? 1) ? (spec.parentPid ?? 1) : 1
    // what init starts is a service of its own
    const group = parentPid > 1 ? (living.get(parentPid)?.group ?? pid) : pid
    const entry: Entry = { process, spec, argv: spec.argv, parentPid, group, state: 'running', pending: [], waiting: [] }
    living.set(pid, entry)
    return process
  }

  return {
    spawn(spec) {
      if (!hasPower) throw new PosixError('ESRCH')
      return add(nextPid++, spec)
    },

    get: (pid) => living.get(pid)?.process ?? null,

    list: () => [...living.values()].map((entry) => entry.process),

    signal(pid, signal, uid = 0) {
      const entry = living.get(pid)
      if (entry === undefined) throw new PosixError('ESRCH')
      if (uid !== 0 && uid !== entry.process.uid) throw new PosixError('EPERM')
      // The kernel keeps signals from init for which it has no handler, SIGKILL too.
      if (signal !== null && pid !== 1) deliver(entry, signal)
    },

    signalGroup(group, signal, uid = 0) {
      const members = [...living.values()].filter((entry) => entry.group === group)
      const reached = members.filter(({ process }) => uid === 0 || uid === process.uid)
      if (reached.length === 0) throw new PosixError(members.length === 0 ? 'ESRCH' : 'EPERM')
      if (signal !== null) for (const entry of reached) deliver(entry, signal)
    },

    powerOff() {
      hasPower = false
      const entries = [...living.values()]
      living.clear()
      for (const entry of entries) entry.pending = []
      for (const entry of entries) end(entry, null, null)
    },

    powerOn() {
      hasPower = true
      nextPid = firstPid
      add(1, { argv: ['/sbin/init'], exe: '/usr/lib/systemd/systemd' })
    },
  }
}
