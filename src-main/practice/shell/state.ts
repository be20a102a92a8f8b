import { posix } from 'node:path'
import type { Machine } from '../machine/machine.ts'
import { type Descriptor, discard, type Input, nothing } from './descriptors.ts'
import type { Ended } from './execute.ts'
import type { Command, Script } from './syntax.ts'

export interface Variable {
  value: string
  exported: boolean
  readOnly: boolean
}

/** A background job of this shell. */
export interface Job {
  pid: number
  ended: Promise<Ended>
}

/** Everything a subshell gets a copy of. */
export interface ShellState {
  readonly machine: Machine
  /** of the process; `$$` stays the main shell's in a subshell */
  pid: number
  shellPid: number
  uid: number
  user: string
  /** `$0` */
  name: string
  cwd: string
  umask: number
  variables: Map<string, Variable>
  functions: Map<string, Command>
  positional: readonly string[]
  options: Set<string>
  descriptors: Map<number, Descriptor>
  status: number
  lastJobPid: number | null
  jobs: Job[]
  /** `trap … EXIT` */
  exitTrap: string | null
  /** above 0 a failure is being asked for, so `set -e` does not end the shell */
  askedDepth: number
  line: number
  signal: AbortSignal
}

/** `exit`, `return`, `break`, `continue` on their way out. */
export class Jump extends Error {
  readonly kind: 'exit' | 'return' | 'break' | 'continue'
  /** exit status, or how many loops */
  count: number

  constructor(kind: Jump['kind'], count: number) {
    super(kind)
    this.kind = kind
    this.count = count
  }
}

/** What built-ins need of the interpreter. */
export interface Interpreter {
  run(state: ShellState, script: Script): Promise<number>
  /** Runs words as a command that is no function. */
  runWords(state: ShellState, words: readonly string[], how: { replace: boolean }): Promise<number>
}

export function subshell(state: ShellState, changes: Partial<ShellState> = {}): ShellState {
  return {
    ...state,
    variables: new Map(Array.from(state.variables, ([name, variable]) => [name, { ...variable }])),
    functions: new Map(state.functions),
    options: new Set(state.options),
    descriptors: new Map(state.descriptors),
    jobs: [],
    exitTrap: null,
    ...changes,
  }
}

export function setVariable(state: ShellState, name: string, value: string): void {
  const known = state.variables.get(name)
  if (known?.readOnly === true) throw new ShellFailure(`${name}: is read only`)
  if (known === undefined) state.variables.set(name, { value, exported: state.options.has('a'), readOnly: false })
  else known.value = value
}

/** An error that ends a shell that is not interactive, with status 2. */
export class ShellFailure extends Error {}

export function environmentOf(state: ShellState): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const [name, { value, exported }] of state.variables) if (exported) environment[name] = value
  return environment
}

export const pathFrom = (state: ShellState, path: string): string => posix.resolve(state.cwd, path)

export function inputOf(state: ShellState): Input {
  const descriptor = state.descriptors.get(0)
  return descriptor?.kind === 'input' ? descriptor : nothing()
}

export function write(state: ShellState, fd: 1 | 2, text: string | Buffer): void {
  const descriptor = state.descriptors.get(fd) ?? discard
  if (descriptor.kind === 'output') descriptor.write(typeof text === 'string' ? Buffer.from(text) : text)
}

export function complain(state: ShellState, message: string): void {
  write(state, 2, `${state.name}: ${state.line}: ${message}\n`)
}
