import { posix } from 'node:path'
import { PosixError, type Program, type ProgramCall } from '../machine/machine.ts'

/** A program's own complaint; printed after its name. */
export class WordError extends Error {
  readonly code: number

  constructor(message: string, code = 1) {
    super(message)
    this.code = code
  }
}

export const wordPath = (call: ProgramCall, word: string): string => posix.resolve(call.cwd, word)

/** Turns what the work throws into `name: message` and its exit code. */
export function word(work: (call: ProgramCall, words: string[]) => Promise<number> | number): Program {
  return async (call) => {
    try {
      return await work(call, call.argv.slice(1))
    } catch (thrown) {
      if (!(thrown instanceof WordError) && !(thrown instanceof PosixError)) throw thrown
      call.stderr(`${posix.basename(call.argv[0] ?? '')}: ${thrown.message}\n`)
      return thrown instanceof WordError ? thrown.code : 1
    }
  }
}

/**
 * GNU's short options, `letters` in getopt's notation (`n:` takes a value). Long ones are given as `long`, which names their letter.
 * An unknown one is refused in getopt's words.
 */
export function readOptions(
  call: ProgramCall,
  letters: string,
  long: Readonly<Record<string, string>> = {},
): { options: Map<string, string>; rest: string[] } {
  const options = new Map<string, string>()
  const rest: string[] = []
  const words = call.argv.slice(1)
  const name = posix.basename(call.argv[0] ?? '')
  const refuse = (message: string): never => {
    throw new WordError(`${message}\nTry '${name} --help' for more information.`, name === 'ls' ? 2 : 1)
  }
  for (let next = words.shift(); next !== undefined; next = words.shift()) {
    if (next === '--') return { options, rest: [...rest, ...words] }
    if (next.startsWith('--')) {
      const [key = '', value] = next.slice(2).split(/=(.*)/s)
      const letter = Object.hasOwn(long, key) ? long[key] : undefined
      if (letter === undefined) return refuse(`unrecognized option '${next}'`)
      options.set(letter, value ?? (letters.includes(`${letter}:`) ? (words.shift() ?? '') : ''))
    } else if (next.startsWith('-') && next !== '-') {
      for (let at = 1; at < next.length; at += 1) {
        const letter = next[at] ?? ''
        const index = letter === ':' ? -1 : letters.indexOf(letter)
        if (index < 0) return refuse(`invalid option -- '${letter}'`)
        if (letters[index + 1] !== ':') options.set(letter, '')
        else {
          const value = next.slice(at + 1) || words.shift()
          if (value === undefined) return refuse(`option requires an argument -- '${letter}'`)
          options.set(letter, value)
          break
        }
      }
    } else rest.push(next)
  }
  return { options, rest }
}

export function missingOperand(call: ProgramCall): never {
  const name = posix.basename(call.argv[0] ?? '')
  throw new WordError(`missing operand\nTry '${name} --help' for more information.`)
}
