import type { LineProblem, ParsedLine, Word } from '../../config-text/line-tree.ts'

/** MAX_LINE_ARGS of HAProxy 2.6: a longer line is refused. */
export const maxWords = 64

const escapes: Readonly<Record<string, string>> = {
  t: '\t',
  r: '\r',
  n: '\n',
  '\\': '\\',
  ' ': ' ',
  '#': '#',
  '"': '"',
  "'": "'",
}
const blank = /[ \t\r\n\v\f]/
const variable = /\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?:\[\*\])?(?:-[^}]*)?\}|([A-Za-z_][A-Za-z0-9_]*))/y

/**
 * Splits a line as HAProxy 2.6.12 does (configuration manual 2.2 and 2.3; every rule was tried with `haproxy -c`): a backslash takes the
 * next of `\ # " '`, a blank, `t r n` or `xHH`, anything else after it stands as written; single quotes take all literally; variables
 * are resolved inside double quotes only; an unquoted `#` begins a comment. After a problem the rest of the line is one more word.
 */
export function parseLine(text: string): ParsedLine {
  const words: Word[] = []
  let at = 0
  while (at < text.length) {
    const character = text.charAt(at)
    if (blank.test(character)) {
      at += 1
    } else if (character === '#') {
      return { words, comment: at, problem: null }
    } else {
      const { word, problem } = wordAt(text, at)
      words.push(word)
      if (problem !== null) return { words, comment: null, problem }
      at = word.end
    }
  }
  const tooMany = words[maxWords]
  const problem =
    tooMany === undefined ? null : { column: tooMany.start, message: `too many words, truncating after word ${maxWords}` }
  return { words, comment: null, problem }
}

function wordAt(text: string, start: number): { word: Word; problem: LineProblem | null } {
  const pieces: string[] = []
  const variables: string[] = []
  let quote = ''
  let quoteAt = start
  const broken = (column: number, message: string) => ({
    word: { start, end: text.length, value: text.slice(start), variables },
    problem: { column, message },
  })
  let at = start
  for (; at < text.length; at++) {
    const character = text.charAt(at)
    if (quote === "'") {
      if (character === "'") quote = ''
      else pieces.push(character)
    } else if (character === '\\') {
      const next = text.charAt(at + 1)
      const escaped = escapes[next] ?? (next === '$' && quote !== '' ? '$' : undefined)
      if (next === 'x') {
        const hex = /^[0-9A-Fa-f]{2}/.exec(text.slice(at + 2, at + 4))?.[0]
        if (hex === undefined) return broken(at, 'truncated or invalid hexadecimal sequence')
        pieces.push(String.fromCharCode(Number.parseInt(hex, 16)))
        at += 3
      } else if (escaped === undefined) {
        pieces.push('\\')
      } else {
        pieces.push(escaped)
        at += 1
      }
    } else if (character === quote) {
      quote = ''
    } else if (quote !== '' && character === '$') {
      variable.lastIndex = at
      const found = variable.exec(text)
      if (found === null) return broken(at, 'malformed environment variable')
      variables.push(found[1] ?? found[2] ?? '')
      pieces.push(found[0])
      at += found[0].length - 1
    } else if (quote === '' && (character === '"' || character === "'")) {
      quote = character
      quoteAt = at
    } else if (quote === '' && (character === '#' || blank.test(character))) {
      break
    } else {
      pieces.push(character)
    }
  }
  if (quote !== '') return broken(quoteAt, 'unmatched quote')
  return { word: { start, end: at, value: pieces.join(''), variables }, problem: null }
}

/** A value written so that HAProxy reads it back as it is: plain where it can, else in single or double quotes. */
export function quoteWord(value: string): string {
  if (value !== '' && !/[\s#"'\\$]/.test(value)) return value
  if (!value.includes("'") && !/[\r\n]/.test(value)) return `'${value}'`
  const escaped = value
    .replace(/["\\$]/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
  return `"${escaped}"`
}
