/** printf(1) of POSIX, exact to the byte. Errors are appended in dash's words. */
export function formatPrintf(format: string, args: readonly string[]): { bytes: Buffer; errors: string[] } {
  const errors: string[] = []
  const chunks: Buffer[] = []
  const rest = [...args]
  let stop = false
  do {
    const before = rest.length
    for (const found of format.matchAll(/%(%|([-+ #0]*)(\d+|\*)?(?:\.(\d+|\*))?([a-zA-Z]))|\\([0-7]{1,3}|[^])|[^%\\]+|[^]/g)) {
      const [all, percent, flags = '', width, precision, letter, escape] = found
      if (percent === '%') chunks.push(Buffer.from('%'))
      else if (escape !== undefined) chunks.push(unescape(`\\${escape}`).bytes)
      else if (letter === undefined) chunks.push(Buffer.from(all))
      else {
        const size = (text: string | undefined): number | null =>
          text === undefined ? null : Number(text === '*' ? rest.shift() : text)
        const [columns, digits] = [size(width), size(precision)]
        if (letter === 'b') {
          const { bytes, ended } = unescape(rest.shift() ?? '', true)
          chunks.push(bytes)
          if (ended) return { bytes: Buffer.concat(chunks), errors }
        } else {
          const text = convert(letter, rest.shift(), flags, digits, errors)
          if (text === null) return { bytes: Buffer.concat(chunks), errors: [...errors, `%${letter}: invalid directive`] }
          chunks.push(Buffer.from(pad(text, columns ?? 0, flags, letter)))
        }
      }
    }
    stop = rest.length === before || rest.length === 0
  } while (!stop)
  return { bytes: Buffer.concat(chunks), errors }
}

function convert(
  letter: string,
  given: string | undefined,
  flags: string,
  digits: number | null,
  errors: string[],
): string | null {
  if (letter === 's') return digits === null ? (given ?? '') : (given ?? '').slice(0, digits)
  if (letter === 'c') return (given ?? '').slice(0, 1)
  if ('diouxX'.includes(letter)) {
    const value = integer(given ?? '0', errors)
    const magnitude = value < 0n && 'ouxX'.includes(letter) ? BigInt.asUintN(64, value) : value < 0n ? -value : value
    const base = letter === 'o' ? 8 : letter === 'x' || letter === 'X' ? 16 : 10
    const text = magnitude.toString(base).padStart(digits ?? 1, '0')
    const prefix = flags.includes('#') && base === 16 ? '0x' : ''
    const sign = value < 0n && base === 10 ? '-' : flags.includes('+') && 'di'.includes(letter) ? '+' : ''
    return letter === 'X' ? (prefix + text).toUpperCase() : sign + prefix + text
  }
  if (letter === 'f') return Number(given ?? '0').toFixed(digits ?? 6)
  return null
}

function integer(text: string, errors: string[]): bigint {
  if (/^["']/.test(text)) return BigInt(text.codePointAt(1) ?? 0)
  const found = /^\s*([-+]?)(0[xX][0-9a-fA-F]+|\d+)/.exec(text)
  if (found?.[0].length !== text.length)
    errors.push(found === null ? `${text}: expected numeric value` : `${text}: not completely converted`)
  if (found === null) return 0n
  const digits = found[2] ?? '0'
  const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits.replace(/^0+(?=\d)/, ''))
  return found[1] === '-' ? -value : value
}

function pad(text: string, columns: number, flags: string, letter: string): string {
  if (flags.includes('-') || columns < 0) return text.padEnd(Math.abs(columns))
  if (!flags.includes('0') || 'sc'.includes(letter)) return text.padStart(columns)
  const sign = /^[-+]/.exec(text)?.[0] ?? ''
  return sign + text.slice(sign.length).padStart(columns - sign.length, '0')
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
}

/** Backslash sequences; in `%b` and `echo` an octal number begins with a 0, and `\c` ends all output. */
export function unescape(text: string, ofArgument = false): { bytes: Buffer; ended: boolean } {
  const chunks: Buffer[] = []
  const sequence = ofArgument ? /\\(0[0-7]{0,3}|[1-7][0-7]{0,2}|[^])|[^\\]+|\\/g : /\\([0-7]{1,3}|[^])|[^\\]+|\\/g
  for (const [all, escape] of text.matchAll(sequence)) {
    if (escape === undefined) chunks.push(Buffer.from(all))
    else if (ofArgument && escape === 'c') return { bytes: Buffer.concat(chunks), ended: true }
    else if (/^[0-7]/.test(escape)) chunks.push(Buffer.from([parseInt(escape, 8) & 0xff]))
    else chunks.push(Buffer.from(escapes[escape] ?? all))
  }
  return { bytes: Buffer.concat(chunks), ended: false }
}
