import { type Program, type ProgramCall, type SignalName } from '../machine/machine.ts'
import { derivedCall } from '../shell/execute.ts'
import { signalFrom, signalNumber } from '../shell/signals.ts'
import { programFor, replaceBy, runChild, runDetached } from './run-other.ts'
import { missingOperand, readOptions, word, WordError, wordPath } from './word.ts'

const env = word((call, words) => {
  let environment: Record<string, string> = { ...call.environment }
  while (words[0]?.startsWith('-') === true || words[0]?.includes('=') === true) {
    const next = words.shift() ?? ''
    if (next === '-i' || next === '-') environment = {}
    else if (next === '-u') delete environment[words.shift() ?? '']
    else if (next.startsWith('-'))
      throw new WordError(`invalid option -- '${next.slice(1, 2)}'\nTry 'env --help' for more information.`, 125)
    else environment[next.slice(0, next.indexOf('='))] = next.slice(next.indexOf('=') + 1)
  }
  if (words.length > 0) return replaceBy(call, words, { environment })
  for (const [name, value] of Object.entries(environment)) call.stdout(`${name}=${value}\n`)
  return 0
})

const units: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 }

function secondsFrom(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d*)?|\.\d+)([smhd]?)$/.exec(text) ?? []
  if (number === undefined) throw new WordError(`invalid time interval ‘${text}’`)
  return Number(number) * (units[unit] ?? 1)
}

/** Resolves when the time is over or the process was ended. */
function pause({ machine, signal }: ProgramCall, seconds: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel = machine.clock.after(seconds * 1000, resolve)
    const stop = (): void => {
      cancel()
      resolve()
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}

const sleep = word(async (call, words) => {
  if (words.length === 0) missingOperand(call)
  await pause(
    call,
    words.map(secondsFrom).reduce((sum, one) => sum + one, 0),
  )
  return 0
})

/** `timeout [-k SECONDS] [-s SIGNAL] SECONDS COMMAND…`: 124 when the time was up, 137 when it took KILL. */
const timeout = word(async (call, words) => {
  let killAfterS: number | null = null
  let signal: SignalName = 'TERM'
  while (words[0]?.startsWith('-') === true) {
    const next = words.shift()
    if (next === '-k') killAfterS = secondsFrom(words.shift() ?? '')
    else if (next === '-s') signal = signalOf(words.shift() ?? '')
    else throw new WordError(`invalid option -- '${next?.slice(1, 2) ?? ''}'\nTry 'timeout --help' for more information.`, 125)
  }
  const [limit, ...argv] = words
  if (limit === undefined || argv.length === 0) {
    call.stderr("Try 'timeout --help' for more information.\n")
    return 125
  }
  programFor(call, argv[0] ?? '', (reason) => `failed to run command ‘${argv[0] ?? ''}’: ${reason}`)
  const { clock, processes } = call.machine
  let timedOut = false
  let killTimer: (() => void) | null = null
  const child = runChild(call, argv)
  const cancel = clock.after(secondsFrom(limit) * 1000, () => {
    timedOut = true
    send(signal)
    if (killAfterS !== null) killTimer = clock.after(killAfterS * 1000, () => send('KILL'))
  })
  const send = (name: SignalName): void => {
    for (const { pid, parentPid } of processes.list()) if (parentPid === call.pid) processes.signal(pid, name)
  }
  const ended = await child
  cancel()
  ;(killTimer as (() => void) | null)?.()
  if (ended.signal === 'KILL') return 137
  if (timedOut) return 124
  return ended.signal === null ? ended.code : 128 + signalNumber(ended.signal)
})

function signalOf(text: string): SignalName {
  const signal = signalFrom(text)
  if (signal === undefined || signal === null) throw new WordError(`‘${text}’: invalid signal`, 125)
  return signal
}

/** No practice machine has terminals, so there is no HUP to be saved from when one goes. */
const nohup = word((call, words) => {
  if (words.length === 0) missingOperand(call)
  return replaceBy(call, words)
})

const setsid = word((call, words) => {
  const fork = words[0] === '-f' || words[0] === '--fork'
  const argv = fork ? words.slice(1) : words
  if (argv[0]?.startsWith('-') === true)
    throw new WordError(`invalid option -- '${argv[0].slice(1, 2)}'\nTry 'setsid --help' for more information.`)
  if (argv.length === 0) throw new WordError("no command specified\nTry 'setsid --help' for more information.")
  if (!fork) {
    call.machine.processes.get(call.pid)?.leadGroup()
    return replaceBy(call, argv)
  }
  programFor(call, argv[0] ?? '')
  runDetached(call, argv)
  return 0
})

/** Everything is on disk at once; only what is not there can go wrong. */
const sync = word((call, words) => {
  const { rest } = readOptions(call, 'df', { data: 'd', 'file-system': 'f' })
  if (words.length === 0) return 0
  const missing = rest.filter((name) => !call.machine.files.exists(wordPath(call, name)))
  for (const name of missing) call.stderr(`sync: error opening '${name}': No such file or directory\n`)
  return missing.length === 0 ? 0 : 1
})

/** `xargs [-0] [-r] [-n COUNT] COMMAND…`: 123 when a command failed */
const xargs = word(async (call, words) => {
  const end = words.findIndex((each, index) => !each.startsWith('-') && words[index - 1] !== '-n')
  const command = end === -1 ? [] : words.slice(end)
  const before = derivedCall(call, { argv: call.argv.slice(0, end === -1 ? undefined : end + 1) })
  const { options } = readOptions(before, '0rn:', { null: '0', 'no-run-if-empty': 'r' })
  const given = call.stdin.toString('utf8')
  if (!options.has('0') && /["'\\]/.test(given))
    throw new WordError('a practice machine takes quotes and backslashes only with -0')
  const items = given
    .split(options.has('0') ? '\0' : /[ \t\n]+/)
    .filter((item, index, all) => item !== '' || (options.has('0') && index < all.length - 1))
  if (items.length === 0 && options.has('r')) return 0
  const atOnce = options.has('n') ? Number(options.get('n')) : Math.max(1, items.length)
  if (!Number.isInteger(atOnce) || atOnce < 1) throw new WordError(`invalid number "${options.get('n') ?? ''}" for -n option`)
  let failed = false
  for (let at = 0; at === 0 || at < items.length; at += atOnce) {
    const argv = [...(command.length === 0 ? ['echo'] : command), ...items.slice(at, at + atOnce)]
    programFor(call, argv[0] ?? '', (reason) => `${argv[0] ?? ''}: ${reason}`)
    const ended = await runChild(call, argv)
    if (ended.signal !== null) return 125
    failed ||= ended.code !== 0
  }
  return failed ? 123 : 0
})

const nproc = word((call) => {
  call.stdout('2\n')
  return 0
})

const which = word((call, words) => {
  const { rest } = readOptions(call, 'a')
  let status = words.length === 0 ? 1 : 0
  for (const name of rest) {
    try {
      call.stdout(`${programFor(call, name).path}\n`)
    } catch (thrown) {
      if (!(thrown instanceof WordError)) throw thrown
      status = 1
    }
  }
  return status
})

export const wrapperWords: Readonly<Record<string, Program>> = { env, sleep, timeout, nohup, setsid, sync, xargs, nproc, which }
