import { posix } from 'node:path'
import { PosixError } from '../machine/machine.ts'
import { findProgram } from './execute.ts'
import { parseScript } from './parse.ts'
import { formatPrintf, unescape } from './printf.ts'
import { signalFrom, signalNumber } from './signals.ts'
import {
  complain,
  inputOf,
  type Interpreter,
  Jump,
  pathFrom,
  setVariable,
  ShellFailure,
  type ShellState,
  write,
} from './state.ts'
import { evaluateTest, TestError } from './test-expression.ts'

export type Builtin = (state: ShellState, words: readonly string[], interpreter: Interpreter) => number | Promise<number>

const isName = (text: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(text)

function countOf(word: string | undefined, otherwise: number): number {
  if (word === undefined) return otherwise
  if (!/^\d+$/.test(word)) throw new ShellFailure(`Illegal number: ${word}`)
  return Number(word)
}

const jump =
  (kind: Jump['kind'], otherwise: (state: ShellState) => number): Builtin =>
  (state, [, count]) => {
    const number = countOf(count, otherwise(state))
    throw new Jump(kind, kind === 'exit' || kind === 'return' ? number & 0xff : number)
  }

const echo: Builtin = (state, words) => {
  const bare = words[1] === '-n'
  const { bytes, ended } = unescape(words.slice(bare ? 2 : 1).join(' '), true)
  write(state, 1, bytes)
  if (!bare && !ended) write(state, 1, '\n')
  return 0
}

const printf: Builtin = (state, [, ...words]) => {
  const [format, ...args] = words[0] === '--' ? words.slice(1) : words
  if (format === undefined) throw new ShellFailure('printf: usage: printf format [arg ...]')
  const { bytes, errors } = formatPrintf(format, args)
  write(state, 1, bytes)
  for (const error of errors) complain(state, `printf: ${error}`)
  return errors.length === 0 ? 0 : 1
}

const test: Builtin = (state, words) => {
  const bracket = words[0] === '['
  try {
    if (bracket && words.at(-1) !== ']') throw new TestError('missing ]')
    const context = { files: state.machine.files, uid: state.uid, path: (word: string) => pathFrom(state, word) }
    return evaluateTest(words.slice(1, bracket ? -1 : undefined), context) ? 0 : 1
  } catch (thrown) {
    if (!(thrown instanceof TestError)) throw thrown
    complain(state, `${words[0] ?? ''}: ${thrown.message}`)
    return 2
  }
}

const cd: Builtin = (state, [, ...words]) => {
  const [given] = words.filter((word) => word !== '--' && word !== '-P' && word !== '-L')
  const target = given === '-' ? state.variables.get('OLDPWD')?.value : (given ?? state.variables.get('HOME')?.value)
  if (target === undefined) throw new ShellFailure(`cd: ${given === '-' ? 'OLDPWD' : 'HOME'} not set`)
  const path = pathFrom(state, target)
  const { files } = state.machine
  if (!files.exists(path) || files.stat(path).kind !== 'directory' || !files.mayAccess(path, state.uid, 'execute')) {
    throw new ShellFailure(`cd: can't cd to ${target}`)
  }
  setVariable(state, 'OLDPWD', state.cwd)
  state.cwd = path
  setVariable(state, 'PWD', path)
  if (given === '-') write(state, 1, `${path}\n`)
  return 0
}

/** `read -r a b`: without -r a backslash keeps the character after it, and joins lines. */
const read: Builtin = (state, [, ...words]) => {
  const raw = words[0]?.startsWith('-') === true && words[0].includes('r')
  const names = words.filter((word) => !word.startsWith('-'))
  if (names.length === 0) throw new ShellFailure('read: arg count')
  const input = inputOf(state)
  let line = ''
  let complete = false
  for (let next = input.takeLine(); next !== null; next = input.takeLine()) {
    complete = next.endsWith('\n')
    line += complete ? next.slice(0, -1) : next
    if (raw || !/(?:^|[^\\])(?:\\\\)*\\$/.test(line)) break
    line = line.slice(0, -1)
  }
  const ifs = state.variables.get('IFS')?.value ?? ' \t\n'
  const values = readFields(raw ? line : line.replace(/\\([^])/g, '$1'), names.length, ifs)
  names.forEach((name, index) => setVariable(state, name, values[index] ?? ''))
  return complete ? 0 : 1
}

/** The last name gets the rest of the line, separators included. */
function readFields(line: string, count: number, ifs: string): string[] {
  if (ifs === '') return [line]
  const { first, field, last } = separatorsOf(ifs)
  let rest = line.replace(first, '')
  const values: string[] = []
  while (values.length < count - 1) {
    const [all = '', value = ''] = field.exec(rest) ?? []
    values.push(value)
    rest = rest.slice(all.length)
  }
  return [...values, rest.replace(last, '')]
}

interface Separators {
  first: RegExp
  field: RegExp
  last: RegExp
}

const blanksOnly = separatorExpressions(' \t\n')
const separatorsOf = (ifs: string): Separators => (ifs === ' \t\n' ? blanksOnly : separatorExpressions(ifs))

function separatorExpressions(ifs: string): Separators {
  const set = ifs.replace(/[\\\]^-]/g, '\\$&')
  const blanks = [...' \t\n'].filter((blank) => ifs.includes(blank)).join('')
  const blank = blanks === '' ? '(?!)' : `[${blanks}]`
  return {
    first: new RegExp(`^${blank}+`),
    field: new RegExp(`^([^${set}]*)(?:${blank}*[${set}]${blank}*|$)`),
    last: new RegExp(`${blank}+$`),
  }
}

const mark =
  (change: { exported?: true; readOnly?: true }): Builtin =>
  (state, [name, ...words]) => {
    for (const word of words) {
      const [variable = '', ...value] = word.split('=')
      if (!isName(variable)) throw new ShellFailure(`${name ?? ''}: ${variable}: bad variable name`)
      if (word.includes('=')) setVariable(state, variable, value.join('='))
      const known = state.variables.get(variable) ?? { value: '', exported: false, readOnly: false }
      state.variables.set(variable, { ...known, ...change })
    }
    return 0
  }

const unset: Builtin = (state, [, ...words]) => {
  for (const word of words) {
    if (word === '-v' || word === '-f') continue
    if (words[0] === '-f') state.functions.delete(word)
    else if (state.variables.get(word)?.readOnly === true) throw new ShellFailure(`unset: ${word}: is read only`)
    else state.variables.delete(word)
  }
  return 0
}

const settable = 'aefunx'

const set: Builtin = (state, [, ...words]) => {
  while (words[0] !== undefined && /^[-+]./.test(words[0])) {
    const word = words.shift() ?? ''
    if (word === '--') break
    for (const letter of word.slice(1)) {
      if (!settable.includes(letter)) throw new ShellFailure(`set: Illegal option ${word[0] ?? ''}${letter}`)
      // what would be ignored is refused
      if ('nx'.includes(letter)) throw new ShellFailure(`set: a practice machine's shell has no option -${letter}`)
      if (word.startsWith('-')) state.options.add(letter)
      else state.options.delete(letter)
    }
    if (words.length === 0) return 0
  }
  state.positional = words
  return 0
}

const shift: Builtin = (state, [, word]) => {
  const count = countOf(word, 1)
  if (count > state.positional.length) throw new ShellFailure("shift: can't shift that many")
  state.positional = state.positional.slice(count)
  return 0
}

/** Only EXIT: a handler for a signal could not be kept apart from the default action, so it is refused rather than ignored. */
const trap: Builtin = (state, [, ...given]) => {
  const words = given[0] === '--' ? given.slice(1) : given
  const [action = '', ...conditions] = words.length === 1 ? ['-', ...words] : words
  for (const condition of conditions) {
    if (condition !== 'EXIT' && condition !== '0') {
      throw new ShellFailure(`trap: ${condition}: a practice machine's shell traps only EXIT`)
    }
    state.exitTrap = action === '-' ? null : action
  }
  return 0
}

const umask: Builtin = (state, [, word]) => {
  if (word === undefined) write(state, 1, `${state.umask.toString(8).padStart(4, '0')}\n`)
  else if (/^[0-7]{1,4}$/.test(word)) state.umask = parseInt(word, 8)
  else throw new ShellFailure(`umask: Illegal mode: ${word}`)
  return 0
}

const kill: Builtin = (state, [, ...words]) => {
  let name = 'TERM'
  const first = words[0] ?? ''
  if (first === '-l') {
    write(state, 1, 'HUP\nINT\nQUIT\nKILL\nUSR1\nUSR2\nPIPE\nALRM\nTERM\nCHLD\nCONT\nSTOP\nWINCH\n')
    return 0
  }
  if (first === '-s') name = words.splice(0, 2)[1] ?? ''
  else if (first.startsWith('-') && first !== '--') name = words.shift()?.slice(1) ?? ''
  if (words[0] === '--') words.shift()
  const signal = signalFrom(name)
  if (signal === undefined) throw new ShellFailure(`kill: invalid signal number or name: ${name}`)
  let status = 0
  for (const word of words) {
    if (!/^-?\d+$/.test(word)) throw new ShellFailure(`kill: Illegal number: ${word}`)
    const { processes } = state.machine
    try {
      if (word.startsWith('-')) processes.signalGroup(-Number(word), signal, state.uid)
      else processes.signal(Number(word), signal, state.uid)
    } catch (thrown) {
      if (!(thrown instanceof PosixError)) throw thrown
      // the empty line is dash's
      complain(state, `kill: ${thrown.message}\n`)
      status = 1
    }
  }
  return status
}

const wait: Builtin = async (state, [, ...words]) => {
  const wanted = words.length === 0 ? state.jobs : state.jobs.filter(({ pid }) => words.includes(String(pid)))
  if (wanted.length < words.length) return 127
  const killed = new Promise<never>((_resolve, reject) => {
    state.signal.addEventListener('abort', () => reject(new Jump('exit', 128)), { once: true })
  })
  const ends = await Promise.race([Promise.all(wanted.map(({ ended }) => ended)), killed])
  const last = ends.at(-1)
  if (words.length === 0 || last === undefined) return 0
  return last.signal === null ? last.code : 128 + signalNumber(last.signal)
}

const command: Builtin = (state, [, ...words], interpreter) => {
  if (words[0] !== '-v' && words[0] !== '-V') {
    return interpreter.runWords(state, words[0] === '--' ? words.slice(1) : words, { replace: false })
  }
  const name = words.at(-1) ?? ''
  if (builtins.has(name) || state.functions.has(name)) return say(state, name)
  const searchPath = state.variables.get('PATH')?.value ?? ''
  const found = findProgram(state.machine, name, { searchPath, cwd: state.cwd, uid: state.uid })
  if (found === null || found === 'denied') return 127
  return say(state, name.includes('/') ? name : found.path)
}

function say(state: ShellState, text: string): number {
  write(state, 1, `${text}\n`)
  return 0
}

const dot: Builtin = (state, [, name = ''], interpreter) => {
  const path = pathFrom(state, name)
  if (!name.includes('/') || !state.machine.files.exists(path)) throw new ShellFailure(`.: ${name}: not found`)
  return interpreter.run(state, parseScript(state.machine.files.read(path, state.uid).toString('utf8')))
}

export const builtins: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  [':', () => 0],
  ['true', () => 0],
  ['false', () => 1],
  ['.', dot],
  ['[', test],
  ['test', test],
  ['break', jump('break', () => 1)],
  ['continue', jump('continue', () => 1)],
  ['exit', jump('exit', ({ status }) => status)],
  ['return', jump('return', ({ status }) => status)],
  ['cd', cd],
  ['command', command],
  ['echo', echo],
  ['eval', (state, words, interpreter) => interpreter.run(state, parseScript(words.slice(1).join(' ')))],
  [
    'exec',
    async (state, words, interpreter) => {
      if (words.length === 1) return 0
      throw new Jump('exit', await interpreter.runWords(state, words.slice(1), { replace: true }))
    },
  ],
  ['export', mark({ exported: true })],
  ['kill', kill],
  ['printf', printf],
  ['pwd', (state) => say(state, posix.resolve(state.cwd))],
  ['read', read],
  ['readonly', mark({ readOnly: true })],
  ['set', set],
  ['shift', shift],
  ['trap', trap],
  ['umask', umask],
  ['unset', unset],
  ['wait', wait],
])
