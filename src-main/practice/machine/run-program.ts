import { Input } from '../shell/descriptors.ts'
import { signalNumber } from '../shell/signals.ts'
import { userName } from './accounts.ts'
import { PosixError, type Machine, type RunOptions, type RunResult } from './machine.ts'
import { defaultPath } from './programs.ts'

/** execve(2) and waitpid(2): a program, or a script by its first line. Rejects with PosixError `ENOENT`, `EACCES`. */
export async function runProgram(
  machine: Machine,
  argv: readonly [string, ...string[]],
  options: RunOptions = {},
): Promise<RunResult> {
  const { files, programs, processes } = machine
  const { uid = 0, cwd = '/', environment = { PATH: defaultPath }, stdin = '' } = options
  const found = programs.find(argv[0], environment['PATH'])
  const path = files.realPath(found?.path ?? argv[0], uid)
  if (!files.mayAccess(path, uid, 'execute')) throw new PosixError('EACCES')
  if (found === null) return runProgram(machine, [...interpreterOf(machine, path), path, ...argv.slice(1)], options)

  const ended = new AbortController()
  const signal = options.signal === undefined ? ended.signal : AbortSignal.any([options.signal, ended.signal])
  const output: Buffer[] = []
  let errors = ''
  return new Promise((resolve, reject) => {
    const process = processes.spawn({
      argv,
      exe: path,
      uid,
      cwd,
      environment,
      // What a shell says of a program that a signal ended: 128 and its number.
      onExit({ code, signal: by }) {
        ended.abort()
        resolve({ code: code ?? 128 + signalNumber(by ?? 'KILL'), stdout: Buffer.concat(output), stderr: errors })
      },
    })
    const input = new Input(Buffer.from(stdin))
    const call = {
      machine,
      pid: process.pid,
      argv,
      get stdin() {
        return input.takeAll()
      },
      takeStdin: (bytes: number) => input.take(bytes),
      uid,
      user: userName(files, uid) ?? String(uid),
      cwd,
      environment,
      signal,
      stdout: (text: string | Buffer) => void output.push(typeof text === 'string' ? Buffer.from(text) : text),
      stderr: (text: string) => {
        errors += text
      },
    }
    // Asynchronous, so that a program that throws at once is treated as one that throws later.
    const running = (async () => found.program(call))()
    running.then(process.exit, (thrown: unknown) => {
      reject(thrown instanceof Error ? thrown : new Error(String(thrown)))
      process.exit(1)
    })
  })
}

function interpreterOf({ files, programs }: Machine, path: string): [string, ...string[]] {
  const firstLine = files.read(path).toString('utf8').split('\n', 1)[0] ?? ''
  const [, interpreter, argument] = /^#![ \t]*(\S+)[ \t]*(.*?)[ \t]*$/.exec(firstLine) ?? []
  if (interpreter === undefined || programs.find(interpreter) === null) throw new PosixError('ENOENT')
  return argument === undefined || argument === '' ? [interpreter] : [interpreter, argument]
}
