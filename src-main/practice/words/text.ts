import { PosixError, type Program, type ProgramCall } from '../machine/machine.ts'
import { derivedCall } from '../shell/execute.ts'
import { readOptions, word, WordError, wordPath } from './word.ts'

/*
 * The text programs that scripts of a console call most: byte by byte, and much cheaper than through just-bash.
 */

/** One after the other; what cannot be read is complained of and skipped. */
function contents(call: ProgramCall, names: readonly string[]): { read: { name: string; bytes: Buffer }[]; status: number } {
  let status = 0
  const read = (names.length === 0 ? ['-'] : names).flatMap((name) => {
    try {
      return [{ name, bytes: name === '-' ? call.stdin : call.machine.files.read(wordPath(call, name), call.uid) }]
    } catch (thrown) {
      if (!(thrown instanceof PosixError)) throw thrown
      call.stderr(`${call.argv[0] ?? ''}: ${name}: ${thrown.message}\n`)
      status = 1
      return []
    }
  })
  return { read, status }
}

/** latin1, so that one character is one byte */
const lines = (bytes: Buffer): string[] => bytes.toString('latin1').match(/[^\n]*\n|[^\n]+$/g) ?? []
const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1')

function count(text: string, what: string): number {
  if (!/^[-+]?\d+$/.test(text)) throw new WordError(`invalid number of ${what}: ‘${text}’`)
  return Number(text)
}

/** `-f LIST` with `-d` and `-s`, or `-c LIST`, `-b LIST` */
const cut = word((call) => {
  const { options, rest } = readOptions(call, 'f:d:sc:b:n')
  const list = options.get('f') ?? options.get('c') ?? options.get('b')
  if (list === undefined)
    throw new WordError("you must specify a list of bytes, characters, or fields\nTry 'cut --help' for more information.")
  const ranges = list.split(',').map((range) => {
    const [, from, dash, to] = /^(\d*)(-?)(\d*)$/.exec(range) ?? []
    if (from === undefined || (from === '' && to === ''))
      throw new WordError(`invalid field range\nTry 'cut --help' for more information.`)
    return { from: Number(from || 1), to: dash === '' ? Number(from) : Number(to || Infinity) }
  })
  const wanted = (index: number): boolean => ranges.some(({ from, to }) => index + 1 >= from && index + 1 <= to)
  const delimiter = Buffer.from(options.get('d') ?? '\t').toString('latin1')
  if (delimiter.length !== 1)
    throw new WordError("the delimiter must be a single character\nTry 'cut --help' for more information.")
  const { read, status } = contents(call, rest)
  for (const { bytes } of read) {
    const chosen = lines(bytes).flatMap((raw) => {
      const line = raw.replace(/\n$/, '')
      if (!options.has('f')) return [[...line].filter((_char, index) => wanted(index)).join('')]
      if (!line.includes(delimiter)) return options.has('s') ? [] : [line]
      return [
        line
          .split(delimiter)
          .filter((_field, index) => wanted(index))
          .join(delimiter),
      ]
    })
    call.stdout(bytesOf(chosen.map((line) => `${line}\n`).join('')))
  }
  return status
})

/** `head` and `tail` with -n or -c; `-n +N` of tail counts from the start, `-n -N` of head from the end. */
const ends = (fromEnd: boolean): Program =>
  word((call) => {
    const given = call.argv.slice(1).map((argument, index) => (index === 0 ? argument.replace(/^-(\d+)$/, '-n$1') : argument))
    const { options, rest } = readOptions(derivedCall(call, { argv: [call.argv[0] ?? '', ...given] }), 'n:c:q')
    const inBytes = options.has('c')
    const text = options.get('c') ?? options.get('n') ?? '10'
    const number = Math.abs(count(text, inBytes ? 'bytes' : 'lines'))
    // head(1) leaves what it does not show to whoever reads next
    if (inBytes && !fromEnd && rest.length === 0 && !text.startsWith('-')) {
      call.stdout(call.takeStdin(number))
      return 0
    }
    const { read, status } = contents(call, rest)
    for (const [index, { name, bytes }] of read.entries()) {
      if (read.length > 1 && !options.has('q')) call.stdout(`${index > 0 ? '\n' : ''}==> ${name} <==\n`)
      const units = inBytes ? null : lines(bytes)
      const size = units?.length ?? bytes.length
      const [from, to] = fromEnd
        ? [text.startsWith('+') ? number - 1 : Math.max(0, size - number), size]
        : [0, text.startsWith('-') ? Math.max(0, size - number) : number]
      call.stdout(units === null ? bytes.subarray(Math.max(0, from), to) : bytesOf(units.slice(Math.max(0, from), to).join('')))
    }
    return status
  })

const wc = word((call) => {
  const { options, rest } = readOptions(call, 'lwcm')
  const { read, status } = contents(call, rest)
  const counted = read.map(({ name, bytes }) => {
    const text = bytes.toString('latin1')
    return { name, l: text.split('\n').length - 1, w: text.match(/\S+/g)?.length ?? 0, c: bytes.length }
  })
  if (counted.length > 1) {
    const sum = (key: 'l' | 'w' | 'c'): number => counted.reduce((total, one) => total + one[key], 0)
    counted.push({ name: 'total', l: sum('l'), w: sum('w'), c: sum('c') })
  }
  const shown = (['l', 'w', 'c'] as const).filter(
    (key) => options.size === 0 || options.has(key) || (key === 'c' && options.has('m')),
  )
  // GNU's columns are as wide as the largest number, but 7 when the size of the input is not known beforehand
  const width =
    shown.length === 1 && counted.length === 1
      ? 1
      : rest.length === 0
        ? 7
        : String(Math.max(...counted.map(({ c }) => c))).length
  for (const one of counted) {
    call.stdout(`${shown.map((key) => String(one[key]).padStart(width)).join(' ')}${rest.length === 0 ? '' : ` ${one.name}`}\n`)
  }
  return status
})

export const textWords: Readonly<Record<string, Program>> = { cut, head: ends(false), tail: ends(true), wc }
