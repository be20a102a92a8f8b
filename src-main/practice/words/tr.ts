import type { Program } from '../machine/machine.ts'
import { readOptions, word, WordError } from './word.ts'

/** tr(1) in the C locale: bytes, ranges, classes, backslash sequences; -c, -d, -s. just-bash's knows no octal numbers. */
export const tr: Program = word((call) => {
  const { options, rest } = readOptions(call, 'cCds', { complement: 'c', delete: 'd', 'squeeze-repeats': 's' })
  const [first, second, extra] = rest
  if (first === undefined) throw new WordError("missing operand\nTry 'tr --help' for more information.")
  const [deletes, squeezes] = [options.has('d'), options.has('s')]
  if (extra !== undefined || (second !== undefined && deletes && !squeezes)) {
    throw new WordError(`extra operand ‘${extra ?? second ?? ''}’\nTry 'tr --help' for more information.`)
  }
  if (second === undefined && !deletes && !squeezes) {
    throw new WordError(
      `missing operand after ‘${first}’\nTwo strings must be given when translating.\nTry 'tr --help' for more information.`,
    )
  }
  const listed = setFrom(first)
  const from = options.has('c') || options.has('C') ? allBytes.filter((byte) => !listed.includes(byte)) : listed
  const to = second === undefined ? [] : setFrom(second)
  const table = new Map<number, number>()
  // the last character of a shorter second set stands for the rest
  if (!deletes && second !== undefined)
    for (const [index, byte] of from.entries()) table.set(byte, to[index] ?? to.at(-1) ?? byte)
  const removed = new Set(deletes ? from : [])
  const squeezed = new Set(squeezes ? (second === undefined ? from : to) : [])
  const output: number[] = []
  let last = -1
  for (const byte of call.stdin) {
    if (removed.has(byte)) continue
    const next = table.get(byte) ?? byte
    if (next === last && squeezed.has(next)) continue
    output.push(next)
    last = next
  }
  call.stdout(Buffer.from(output))
  return 0
})

const allBytes = Array.from({ length: 256 }, (_, byte) => byte)
const escapes: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 }
const classes: Readonly<Record<string, RegExp>> = {
  ...{ alnum: /[A-Za-z0-9]/, alpha: /[A-Za-z]/, digit: /\d/, lower: /[a-z]/, upper: /[A-Z]/, blank: /[ \t]/ },
  ...{ space: /[ \t\n\v\f\r]/, xdigit: /[0-9A-Fa-f]/, punct: /[!-/:-@[-`{-~]/, print: /[ -~]/, cntrl: /[\0-\x1f\x7f]/ },
}

function setFrom(text: string): number[] {
  const set: number[] = []
  let ranging = false
  const add = (byte: number): void => {
    const start = set.at(-1) ?? byte
    if (ranging && byte < start) throw new WordError('range-endpoints are in reverse collating sequence order')
    if (ranging) for (let next = start + 1; next <= byte; next += 1) set.push(next)
    else set.push(byte)
    ranging = false
  }
  const bytes = Buffer.from(text).toString('latin1')
  for (const found of bytes.matchAll(/\[:([a-z]+):\]|\\([0-7]{1,3}|[^])|[^]/g)) {
    const [all, name, escape] = found
    if (name !== undefined) {
      const members = Object.hasOwn(classes, name) ? classes[name] : undefined
      if (members === undefined) throw new WordError(`invalid character class ‘${name}’`)
      set.push(...allBytes.filter((byte) => members.test(String.fromCharCode(byte))))
    } else if (escape !== undefined) {
      add(/^[0-7]/.test(escape) ? parseInt(escape, 8) & 0xff : (escapes[escape] ?? escape.charCodeAt(0)))
    } else if (all === '-' && !ranging && set.length > 0 && found.index + 1 < bytes.length) ranging = true
    else add(all.charCodeAt(0))
  }
  return set
}
