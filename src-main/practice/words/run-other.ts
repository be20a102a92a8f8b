import type { ProgramCall } from '../machine/machine.ts'
import { Input, nothing } from '../shell/descriptors.ts'
import { derivedCall, type Ended, execute, findProgram, type FoundProgram } from '../shell/execute.ts'
import { WordError } from './word.ts'

/** Throws what the program says of one that is not there: 127, or 126 where it may not be run. */
export function programFor(
  call: ProgramCall,
  name: string,
  complaint = (reason: string) => `‘${name}’: ${reason}`,
): FoundProgram {
  const searchPath = call.environment['PATH'] ?? '/usr/bin:/bin'
  const found = findProgram(call.machine, name, { searchPath, cwd: call.cwd, uid: call.uid })
  if (found === null) throw new WordError(complaint('No such file or directory'), 127)
  if (found === 'denied') throw new WordError(complaint('Permission denied'), 126)
  return found
}

/** exec(2): the same process goes on as another program. */
export async function replaceBy(
  call: ProgramCall,
  argv: readonly string[],
  changes: { environment?: Readonly<Record<string, string>>; machine?: ProgramCall['machine'] } = {},
): Promise<number> {
  const next = derivedCall(call, { argv, ...changes })
  const { program } = programFor(next, argv[0] ?? '')
  call.machine.processes.get(call.pid)?.setArgv(argv)
  return program(next)
}

/** A child that is waited for. */
export function runChild(
  call: ProgramCall,
  argv: readonly string[],
  changes: { uid?: number; user?: string; environment?: Readonly<Record<string, string>>; signal?: AbortSignal } = {},
): Promise<Ended> {
  const { machine, pid, cwd } = call
  return execute(machine, programFor(call, argv[0] ?? ''), {
    ...{ argv, parentPid: pid, uid: call.uid, user: call.user, cwd, environment: call.environment, signal: call.signal },
    ...changes,
    stdin: new Input(() => call.stdin),
    stdout: (bytes) => call.stdout(bytes),
    stderr: (bytes) => call.stderr(bytes.toString('utf8')),
  })
}

/** A child that lives on when this program and its login are gone. */
export function runDetached(call: ProgramCall, argv: readonly string[]): void {
  const { machine, uid, user, cwd, environment } = call
  void execute(machine, programFor(call, argv[0] ?? ''), {
    ...{ argv, parentPid: 1, uid, user, cwd, environment, signal: new AbortController().signal },
    stdin: nothing(),
    stdout: (bytes) => call.stdout(bytes),
    stderr: (bytes) => call.stderr(bytes.toString('utf8')),
    started: (pid) => machine.processes.get(pid)?.leadGroup(),
  })
}
