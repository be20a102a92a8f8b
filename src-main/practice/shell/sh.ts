import { PosixError, type Program, type ProgramCall } from '../machine/machine.ts'
import { Input } from './descriptors.ts'
import { derivedCall } from './execute.ts'
import { runScript, runToEnd } from './interpreter.ts'
import { parseScript } from './parse.ts'
import { setVariable, type ShellState } from './state.ts'
import type { Script } from './syntax.ts'

/** Scripts that came lately: a console sends the same few again and again. Nobody changes a tree once it is made. */
const parsed = new Map<string, Script>()
const maxParsed = 64
const maxParsedLength = 64 * 1024

/** `sh -c TEXT [NAME [ARG…]]`, `sh -s [ARG…]`, `sh FILE [ARG…]`, and the script on stdin. */
export const sh: Program = async (call) => {
  const state = newState(call)
  const words = call.argv.slice(1)
  let from: 'file' | 'text' | 'stdin' = 'file'
  while (words[0]?.startsWith('-') === true && words[0] !== '-') {
    const word = words.shift() ?? ''
    if (word === '--') break
    for (const letter of word.slice(1)) {
      if (letter === 'c') from = 'text'
      else if (letter === 's') from = 'stdin'
      else if ('aefu'.includes(letter)) state.options.add(letter)
      else {
        complainAtStart(call, `Illegal option -${letter}`)
        return 2
      }
    }
  }
  const text = scriptText(call, from, words, state)
  if (typeof text === 'number') return text
  state.positional = words
  return runToEnd(state, async () => runScript(state, parseOnce(text)))
}

/** What the shell has built in and POSIX wants as a program too, e.g. /usr/bin/printf. */
export const builtinProgram =
  (name: string): Program =>
  (call) =>
    sh(derivedCall(call, { argv: ['sh', '-c', `${name} "$@"`, name, ...call.argv.slice(1)] }))

function scriptText(call: ProgramCall, from: 'file' | 'text' | 'stdin', words: string[], state: ShellState): string | number {
  if (from === 'text') {
    const text = words.shift()
    if (text === undefined) {
      complainAtStart(call, '-c requires an argument')
      return 2
    }
    state.name = words.shift() ?? state.name
    return text
  }
  const file = from === 'file' ? words.shift() : undefined
  if (file === undefined) return call.stdin.toString('utf8')
  try {
    const path = file.startsWith('/') ? file : `${call.cwd}/${file}`
    const text = call.machine.files.read(path, call.uid).toString('utf8')
    state.name = file
    return text
  } catch (thrown) {
    if (!(thrown instanceof PosixError)) throw thrown
    complainAtStart(call, `cannot open ${file}: ${thrown.code === 'ENOENT' ? 'No such file' : thrown.message}`)
    return thrown.code === 'ENOENT' ? 127 : 126
  }
}

const complainAtStart = (call: ProgramCall, message: string): void => call.stderr(`${call.argv[0] ?? 'sh'}: 0: ${message}\n`)

function newState(call: ProgramCall): ShellState {
  const { machine, pid, uid, user, cwd, environment, signal } = call
  const state: ShellState = {
    ...{ machine, pid, shellPid: pid, uid, user, cwd, signal },
    name: call.argv[0] ?? 'sh',
    umask: 0o022,
    variables: new Map(),
    functions: new Map(),
    positional: [],
    options: new Set(),
    descriptors: new Map(),
    status: 0,
    lastJobPid: null,
    jobs: [],
    exitTrap: null,
    askedDepth: 0,
    line: 1,
  }
  for (const [name, value] of Object.entries(environment)) {
    state.variables.set(name, { value, exported: true, readOnly: false })
  }
  setVariable(state, 'PWD', cwd)
  setVariable(state, 'IFS', ' \t\n')
  state.descriptors.set(1, { kind: 'output', write: (bytes) => call.stdout(bytes) })
  state.descriptors.set(2, { kind: 'output', write: (bytes) => call.stderr(bytes.toString('utf8')) })
  state.descriptors.set(0, new Input(() => call.stdin))
  return state
}

function parseOnce(text: string): Script {
  const known = parsed.get(text)
  if (known !== undefined) {
    parsed.delete(text)
    parsed.set(text, known)
    return known
  }
  const script = parseScript(text)
  if (text.length <= maxParsedLength) parsed.set(text, script)
  const [oldest] = parsed.keys()
  if (parsed.size > maxParsed && oldest !== undefined) parsed.delete(oldest)
  return script
}
