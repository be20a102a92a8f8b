/*
 * Carrying out a parsed script.
 *
 * Model: a shell is a process of the machine. What POSIX forks for (pipelines, substitutions, `( )`) runs on a copy of the state, one
 * after the other: the right side of a pipe starts when the left side has ended, with all its output. Only `&` makes a process that runs
 * beside the shell and outlives it. After each command the shell looks whether it was killed.
 */
import { PosixError, type PosixCode } from '../machine/machine.ts'
import { ArithmeticError } from './arithmetic.ts'
import { type Builtin, builtins } from './builtins.ts'
import { Collector, type Descriptor, discard, Input, nothing, openForReading, openForWriting } from './descriptors.ts'
import { type Ended, execute, findProgram } from './execute.ts'
import { expandFields, expandPattern, expandText, type Expander, ExpansionError } from './expand.ts'
import { matchPaths, type PatternPart } from './pattern.ts'
import { signalNumber } from './signals.ts'
import {
  complain,
  environmentOf,
  type Interpreter,
  inputOf,
  Jump,
  pathFrom,
  setVariable,
  ShellFailure,
  type ShellState,
  subshell,
  type Variable,
  write,
} from './state.ts'
import {
  type Command,
  type CompoundCommand,
  type Item,
  type Pipeline,
  type Redirection,
  type Script,
  ShellSyntaxError,
  type SimpleCommand,
} from './syntax.ts'

/** Status of a command that a signal ended. */
export const statusOf = (ended: Ended): number => (ended.signal === null ? ended.code : 128 + signalNumber(ended.signal))

const interpreter: Interpreter = { run: runScript, runWords }

/** The status of the last command. Throws Jump and ShellFailure, which the shell's end catches. */
export async function runScript(state: ShellState, script: Script): Promise<number> {
  for (const item of script.items) {
    if (item.background) runInBackground(state, item)
    else await runItem(state, item)
  }
  if (script.items.length === 0) state.status = 0
  return state.status
}

/** A whole subshell or shell: nothing jumps out of it. */
export async function runToEnd(state: ShellState, work: () => Promise<unknown>): Promise<number> {
  state.status = await caught(state, work)
  if (state.exitTrap !== null && !state.signal.aborted) {
    const { status, exitTrap } = state
    state.exitTrap = null
    state.status = await caught(state, async () => {
      await runWords(state, ['eval', exitTrap], { replace: false })
      state.status = status
    })
  }
  return state.status
}

async function caught(state: ShellState, work: () => Promise<unknown>): Promise<number> {
  try {
    await work()
    return state.status
  } catch (thrown) {
    if (thrown instanceof Jump) return thrown.kind === 'exit' || thrown.kind === 'return' ? thrown.count : state.status
    if (!isFailure(thrown)) throw thrown
    if (thrown instanceof ShellSyntaxError) state.line = thrown.line
    complain(state, thrown.message)
    return 2
  }
}

const isFailure = (thrown: unknown): thrown is Error =>
  thrown instanceof ShellFailure ||
  thrown instanceof ExpansionError ||
  thrown instanceof ArithmeticError ||
  thrown instanceof ShellSyntaxError

function runInBackground(state: ShellState, item: Item): void {
  const alive = new AbortController()
  const { machine } = state
  const job = subshell(state, { signal: alive.signal })
  job.descriptors.set(0, nothing())
  const ended = new Promise<Ended>((resolve) => {
    const process = machine.processes.spawn({
      ...{
        argv: ['sh'],
        exe: '/usr/bin/sh',
        parentPid: state.pid,
        uid: state.uid,
        cwd: state.cwd,
        environment: environmentOf(state),
      },
      onExit: ({ code, signal }) => {
        alive.abort()
        resolve(signal === null ? { code: code ?? 0, signal: null } : { code: null, signal })
      },
    })
    job.pid = process.pid
    void runToEnd(job, () => runItem(job, { ...item, background: false })).then(
      (code) => process.exit(code),
      () => process.exit(128),
    )
  })
  state.lastJobPid = job.pid
  state.jobs.push({ pid: job.pid, ended })
  state.status = 0
}

async function runItem(state: ShellState, item: Item): Promise<void> {
  const last = item.rest.length - 1
  await asking(state, last >= 0, () => runPipeline(state, item.first))
  for (const [index, { operator, pipeline }] of item.rest.entries()) {
    if ((operator === '&&') !== (state.status === 0)) continue
    await asking(state, index < last, () => runPipeline(state, pipeline))
  }
}

/** `set -e` does not look at what is a condition. */
async function asking(state: ShellState, asked: boolean, work: () => Promise<unknown>): Promise<void> {
  if (asked) state.askedDepth += 1
  try {
    await work()
  } finally {
    if (asked) state.askedDepth -= 1
  }
}

async function runPipeline(state: ShellState, { negated, commands }: Pipeline): Promise<void> {
  const [only] = commands
  await asking(state, negated, async () => {
    if (commands.length === 1 && only !== undefined) await runCommand(state, only)
    else state.status = await runPipe(state, commands)
  })
  if (negated) state.status = state.status === 0 ? 1 : 0
  else if (state.status !== 0 && state.askedDepth === 0 && state.options.has('e')) throw new Jump('exit', state.status)
}

async function runPipe(state: ShellState, commands: readonly Command[]): Promise<number> {
  let input: Descriptor = state.descriptors.get(0) ?? nothing()
  let status = 0
  for (const [index, command] of commands.entries()) {
    const part = subshell(state)
    part.descriptors.set(0, input)
    const pipe = new Collector()
    if (index < commands.length - 1) part.descriptors.set(1, pipe)
    status = await runToEnd(part, () => runCommand(part, command))
    input = new Input(pipe.bytes())
  }
  return status
}

async function runCommand(state: ShellState, command: Command): Promise<void> {
  if (state.signal.aborted) throw new Jump('exit', 128)
  state.line = command.line
  if (command.kind === 'simple') return runSimple(state, command)
  if (command.kind === 'function') {
    state.functions.set(command.name, command.body)
    state.status = 0
    return
  }
  const saved = state.descriptors
  if (command.redirections.length > 0 && !(await redirect(state, command.redirections))) return
  try {
    await runCompound(state, command)
  } finally {
    state.descriptors = saved
  }
}

async function runCompound(state: ShellState, command: Exclude<CompoundCommand, { kind: 'function' }>): Promise<void> {
  switch (command.kind) {
    case 'group':
      await runScript(state, command.body)
      return
    case 'subshell': {
      const inner = subshell(state)
      state.status = await runToEnd(inner, () => runScript(inner, command.body))
      if (state.status !== 0 && state.askedDepth === 0 && state.options.has('e')) throw new Jump('exit', state.status)
      return
    }
    case 'if':
      for (const { condition, body } of command.branches) {
        await asking(state, true, () => runScript(state, condition))
        if (state.status === 0) return void (await runScript(state, body))
      }
      state.status = 0
      if (command.otherwise !== null) await runScript(state, command.otherwise)
      return
    case 'loop':
      return runLoop(state, async () => {
        const before = state.status
        await asking(state, true, () => runScript(state, command.condition))
        if ((state.status === 0) === command.until) {
          state.status = before
          return false
        }
        await runScript(state, command.body)
        return true
      })
    case 'for': {
      const expander = new StateExpander(state)
      const values = command.words === null ? [...state.positional] : await expandAll(command.words, expander)
      state.status = 0
      return runLoop(state, async () => {
        const value = values.shift()
        if (value === undefined) return false
        setVariable(state, command.name, value)
        await runScript(state, command.body)
        return true
      })
    }
    case 'case': {
      const expander = new StateExpander(state)
      const value = await expandText(command.word, expander)
      state.status = 0
      for (const { patterns, body } of command.branches) {
        for (const pattern of patterns) {
          if (new RegExp(`^(?:${await expandPattern(pattern, expander)})$`).test(value))
            return void (await runScript(state, body))
        }
      }
    }
  }
}

/** `round` says whether there may be another. Every thousand rounds the rest of the program gets its turn. */
async function runLoop(state: ShellState, round: () => Promise<boolean>): Promise<void> {
  for (let rounds = 1; ; rounds += 1) {
    if (state.signal.aborted) throw new Jump('exit', 128)
    if (rounds % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
    try {
      if (!(await round())) return
    } catch (thrown) {
      if (!(thrown instanceof Jump) || (thrown.kind !== 'break' && thrown.kind !== 'continue')) throw thrown
      if (thrown.count > 1) throw new Jump(thrown.kind, thrown.count - 1)
      if (thrown.kind === 'break') return
    }
  }
}

async function expandAll(words: SimpleCommand['words'], expander: Expander): Promise<string[]> {
  const fields: string[] = []
  for (const word of words) fields.push(...(await expandFields(word, expander)))
  return fields
}

async function runSimple(state: ShellState, command: SimpleCommand): Promise<void> {
  const expander = new StateExpander(state)
  const words = await expandAll(command.words, expander)
  const [name] = words
  // `exec` without a program is how a script opens and closes descriptors for good
  const keep = name === 'exec' && words.length === 1
  const saved = state.descriptors
  if (command.redirections.length > 0 && !(await redirect(state, command.redirections))) return
  const restore: [string, Variable | undefined][] = []
  try {
    for (const { name: variable, value } of command.assignments) {
      const known = state.variables.get(variable)
      if (name !== undefined) restore.push([variable, known === undefined ? undefined : { ...known }])
      setVariable(state, variable, await expandText(value, expander))
      const assigned = state.variables.get(variable)
      if (name !== undefined && assigned !== undefined) assigned.exported = true
    }
    if (name === undefined) {
      state.status = expander.substituted
      return
    }
    const body = state.functions.get(name)
    state.status =
      body === undefined ? await runWords(state, words, { replace: false }) : await callFunction(state, body, words)
  } finally {
    for (const [variable, known] of restore.reverse()) {
      if (known === undefined) state.variables.delete(variable)
      else state.variables.set(variable, known)
    }
    if (!keep) state.descriptors = saved
  }
}

async function callFunction(state: ShellState, body: Command, words: readonly string[]): Promise<number> {
  const saved = state.positional
  state.positional = words.slice(1)
  try {
    await runCommand(state, body)
    return state.status
  } catch (thrown) {
    if (thrown instanceof Jump && thrown.kind === 'return') return thrown.count
    throw thrown
  } finally {
    state.positional = saved
  }
}

async function runWords(state: ShellState, words: readonly string[], { replace }: { replace: boolean }): Promise<number> {
  const [name = ''] = words
  const builtin = replace ? undefined : builtins.get(name)
  if (builtin !== undefined) return runBuiltin(state, builtin, words)
  const { machine, uid, user, cwd, signal } = state
  const environment = environmentOf(state)
  const found = findProgram(machine, name, { searchPath: state.variables.get('PATH')?.value ?? '', cwd, uid })
  if (found === null || found === 'denied') {
    complain(state, `${replace ? 'exec: ' : ''}${name}: ${found === null ? 'not found' : 'Permission denied'}`)
    return found === null ? 127 : 126
  }
  const ended = await execute(machine, found, {
    ...{ argv: words, parentPid: state.pid, uid, user, cwd, environment, signal },
    stdin: inputOf(state),
    stdout: (bytes) => write(state, 1, bytes),
    stderr: (bytes) => write(state, 2, bytes),
  })
  return statusOf(ended)
}

/** A full disk is the command's failure, not the shell's end. */
async function runBuiltin(state: ShellState, builtin: Builtin, words: readonly string[]): Promise<number> {
  try {
    return await builtin(state, words, interpreter)
  } catch (thrown) {
    if (!(thrown instanceof PosixError)) throw thrown
    complain(state, `${words[0] ?? ''}: ${thrown.message}`)
    return 1
  }
}

/** False, and a message, when one cannot be opened: then the command is not run. */
async function redirect(state: ShellState, redirections: readonly Redirection[]): Promise<boolean> {
  const opened = new Map(state.descriptors)
  const expander = new StateExpander(state)
  for (const { fd, operator, target } of redirections) {
    const text = await expandText(target, expander)
    const number = fd ?? (operator.startsWith('<') ? 0 : 1)
    try {
      const descriptor = open(state, opened, operator, text)
      if (descriptor === null) opened.delete(number)
      else opened.set(number, descriptor)
    } catch (thrown) {
      if (!(thrown instanceof PosixError) && !(thrown instanceof BadDescriptor)) throw thrown
      const what = operator.startsWith('<') ? 'open' : 'create'
      complain(state, thrown instanceof PosixError ? `cannot ${what} ${text}: ${openError(thrown.code, what)}` : thrown.message)
      state.status = 2
      return false
    }
  }
  state.descriptors = opened
  return true
}

class BadDescriptor extends Error {}

function open(
  state: ShellState,
  descriptors: ReadonlyMap<number, Descriptor>,
  operator: Redirection['operator'],
  text: string,
): Descriptor | null {
  const { machine, uid, umask } = state
  const path = pathFrom(state, text)
  switch (operator) {
    case '<<':
      return new Input(Buffer.from(text))
    case '<&':
    case '>&': {
      if (text === '-') return null
      const known = descriptors.get(Number(text))
      if (known === undefined) throw new BadDescriptor(`${text}: Bad file descriptor`)
      return known
    }
    case '<':
      return openForReading(machine.files, path, uid)
    case '<>':
      throw new ShellFailure(`a practice machine's shell does not open ${text} for reading and writing at once`)
    default: {
      const standard = /^\/dev\/(stdout|stderr)$/.exec(path)?.[1]
      if (standard !== undefined) return descriptors.get(standard === 'stdout' ? 1 : 2) ?? discard
      return openForWriting(machine.files, path, { append: operator === '>>', mode: 0o666 & ~umask, uid })
    }
  }
}

/** dash has words of its own for what is not there. */
function openError(code: PosixCode, what: 'open' | 'create'): string {
  if (code !== 'ENOENT') return new PosixError(code).message
  return what === 'open' ? 'No such file' : 'Directory nonexistent'
}

class StateExpander implements Expander {
  /** `x=$(false)` has the status of the substitution, but `$?` stays that of the command before. */
  substituted = 0
  readonly #state: ShellState

  constructor(state: ShellState) {
    this.#state = state
  }

  get positional(): readonly string[] {
    return this.#state.positional
  }

  get nounset(): boolean {
    return this.#state.options.has('u')
  }

  get noglob(): boolean {
    return this.#state.options.has('f')
  }

  get home(): string | null {
    return this.#state.variables.get('HOME')?.value ?? null
  }

  get(name: string): string {
    return this.#state.variables.get(name)?.value ?? ''
  }

  set(name: string, text: string): void {
    setVariable(this.#state, name, text)
  }

  lookUp(name: string): string | null {
    return this.#state.variables.get(name)?.value ?? special(this.#state, name)
  }

  paths(pattern: readonly PatternPart[]): string[] {
    return matchPaths(this.#state.machine.files, this.#state.cwd, pattern)
  }

  async substitute(script: Script): Promise<string> {
    const output = new Collector()
    const inner = subshell(this.#state)
    inner.descriptors.set(1, output)
    this.substituted = await runToEnd(inner, () => runScript(inner, script))
    // a NUL cannot stand in a variable
    return output.bytes().toString('utf8').replaceAll('\0', '').replace(/\n+$/, '')
  }
}

function special(state: ShellState, name: string): string | null {
  switch (name) {
    case '?':
      return String(state.status)
    case '$':
      return String(state.shellPid)
    case '#':
      return String(state.positional.length)
    case '!':
      return state.lastJobPid === null ? null : String(state.lastJobPid)
    case '-':
      return [...state.options].join('')
    case '0':
      return state.name
    default:
      return /^[1-9]\d*$/.test(name) ? (state.positional[Number(name) - 1] ?? null) : null
  }
}
