/*
 * Running a program as a process of the machine.
 *
 * A process that is killed ends at once for whoever waits for it; its program is told by its signal and what it still prints goes
 * nowhere. Ending a process ends what it runs in the foreground, as a terminal or timeout(1) ends a group; what runs in the background
 * has a signal of its own and lives on.
 */
import { posix } from 'node:path'
import type { Machine, Program, ProgramCall, SignalName } from '../machine/machine.ts'
import type { Input } from './descriptors.ts'

export interface Execution {
  argv: readonly string[]
  parentPid: number
  uid: number
  user: string
  cwd: string
  environment: Readonly<Record<string, string>>
  stdin: Input
  stdout: (bytes: Buffer) => void
  stderr: (bytes: Buffer) => void
  signal: AbortSignal
  started?: (pid: number) => void
}

export type Ended = { code: number; signal: null } | { code: null; signal: SignalName }

export interface FoundProgram {
  /** as it was found, e.g. /bin/sh */
  path: string
  /** what /proc/PID/exe shows, e.g. /usr/bin/dash */
  exe: string
  program: Program
}

/** Null: there is none. `denied`: there is a file, but `uid` may not execute it. */
export function findProgram(
  machine: Machine,
  name: string,
  { searchPath, cwd, uid }: { searchPath: string; cwd: string; uid: number },
): FoundProgram | 'denied' | null {
  if (name === '') return null
  if (name.includes('/')) return programAt(machine, posix.resolve(cwd, name), uid)
  let denied = false
  for (const folder of searchPath.split(':')) {
    const found = programAt(machine, posix.resolve(cwd, folder, name), uid)
    if (found === 'denied') denied = true
    else if (found !== null) return found
  }
  return denied ? 'denied' : null
}

function programAt({ files, programs }: Machine, path: string, uid: number): FoundProgram | 'denied' | null {
  if (!files.exists(path)) return null
  const real = files.realPath(path)
  const { kind, mode } = files.stat(real)
  if (kind !== 'file') return kind === 'directory' ? 'denied' : null
  if ((mode & 0o111) === 0 || !files.mayAccess(real, uid, 'execute')) return 'denied'
  const found = programs.find(real)
  if (found !== null) return { path, exe: real, program: found.program }
  // a script: the kernel looks for `#!`, and a shell that finds none runs it itself
  return { path, exe: '/usr/bin/sh', program: scriptProgram(real) }
}

const scriptProgram =
  (path: string): Program =>
  (call) => {
    const line = call.machine.files.read(path, call.uid).toString('utf8').split('\n', 1)[0] ?? ''
    const [interpreter = '/bin/sh', ...options] = /^#!\s*(.*\S)/.exec(line)?.[1]?.split(/\s+/) ?? []
    const found = programAt(call.machine, interpreter, call.uid)
    if (found === null || found === 'denied') throw new Error(`${interpreter} is no interpreter on ${call.machine.name}`)
    return found.program(derivedCall(call, { argv: [interpreter, ...options, path, ...call.argv.slice(1)] }))
  }

/** The same process with other words: what exec(2) does. */
export function derivedCall(
  call: ProgramCall,
  changes: Partial<Pick<ProgramCall, 'machine' | 'argv' | 'environment' | 'cwd' | 'uid' | 'user'>>,
): ProgramCall {
  const { machine, pid, argv, uid, user, cwd, environment, signal } = call
  return {
    ...{ machine, pid, argv, uid, user, cwd, environment, signal },
    ...changes,
    // asked only by who reads it: taking it takes it from others
    get stdin() {
      return call.stdin
    },
    takeStdin: (bytes) => call.takeStdin(bytes),
    stdout: (text) => call.stdout(text),
    stderr: (text) => call.stderr(text),
  }
}

/** Made once: a reason of its own for each of a script's many processes would cost more than the process. */
const over = new Error('The process has ended.')

/** Resolves when the process has ended, however it did. */
export function execute(machine: Machine, found: FoundProgram, execution: Execution): Promise<Ended> {
  const { argv, parentPid, uid, user, cwd, environment, stdin, stdout, stderr, signal } = execution
  return new Promise((resolve) => {
    const stopped = new AbortController()
    const end = (ended: Ended): void => {
      signal.removeEventListener('abort', kill)
      stopped.abort(over)
      resolve(ended)
    }
    const process = machine.processes.spawn({
      ...{ argv, exe: found.exe, parentPid, uid, cwd, environment },
      onExit: ({ code, signal: killedBy }) =>
        end(killedBy === null ? { code: code ?? 0, signal: null } : { code: null, signal: killedBy }),
    })
    execution.started?.(process.pid)
    const kill = (): void => {
      if (machine.processes.get(process.pid) !== null) machine.processes.signal(process.pid, 'KILL')
    }
    if (signal.aborted) return kill()
    signal.addEventListener('abort', kill, { once: true })
    const alive = (): boolean => process.state !== 'ended'
    const call: ProgramCall = {
      ...{ machine, pid: process.pid, argv, uid, user, cwd, environment, signal: stopped.signal },
      get stdin() {
        return stdin.takeAll()
      },
      takeStdin: (bytes) => stdin.take(bytes),
      stdout: (text) => {
        if (alive()) stdout(typeof text === 'string' ? Buffer.from(text) : text)
      },
      stderr: (text) => {
        if (alive()) stderr(Buffer.from(text))
      },
    }
    const exit = (code: number): void => {
      if (alive()) process.exit(code)
    }
    void (async () => found.program(call))().then(exit, (error: unknown) => {
      if (alive()) stderr(Buffer.from(`${argv[0] ?? ''}: ${error instanceof Error ? error.message : String(error)}\n`))
      exit(1)
    })
  })
}
