/*
 * Reading the words of a script: quotes, parameters, substitutions. Here-documents are words too, read as if in double quotes.
 */
import { type ParameterOperator, type Part, type Script, ShellSyntaxError, type Word } from './syntax.ts'

const metacharacters = ' \t\n|&;<>()'

/** The text and how far it was read; the parser and the word reader share one. */
export interface Cursor {
  readonly text: string
  at: number
  line: number
}

export type ReadScript = (cursor: Cursor, end: string) => Script

/** Null: no word begins here. `readScript` reads the commands of `$( )`. */
export function readWord(cursor: Cursor, readScript: ReadScript): Word | null {
  const start = cursor.at
  const word = readParts(cursor, readScript, (char) => metacharacters.includes(char))
  return cursor.at === start ? null : word
}

/** What stands in a here-document whose end was not quoted. */
export function readHereDocument(text: string, line: number, readScript: ReadScript): Word {
  return readQuoted({ text, at: 0, line }, readScript, '')
}

function readParts(cursor: Cursor, readScript: ReadScript, isEnd: (char: string) => boolean): Word {
  const parts: Part[] = []
  while (cursor.at < cursor.text.length) {
    const char = cursor.text[cursor.at] ?? ''
    if (isEnd(char)) break
    cursor.at += 1
    if (char === '\\') {
      const next = cursor.text[cursor.at] ?? ''
      cursor.at += 1
      if (next === '\n') cursor.line += 1
      else addText(parts, next === '' ? '\\' : next, true)
    } else if (char === "'") {
      const end = cursor.text.indexOf("'", cursor.at)
      if (end < 0) throw new ShellSyntaxError(cursor.line, 'Unterminated quoted string')
      addText(parts, take(cursor, end), true)
      cursor.at += 1
    } else if (char === '"') {
      parts.push({ kind: 'text', text: '', quoted: true }, ...readQuoted(cursor, readScript, '"'))
    } else if (char === '$' || char === '`') readDollar(cursor, char, false, parts, readScript)
    else {
      if (char === '\n') cursor.line += 1
      addText(parts, char, false)
    }
  }
  return parts
}

/** Up to `end`, which is consumed; an empty `end` means all there is. */
function readQuoted(cursor: Cursor, readScript: ReadScript, end: '"' | ''): Word {
  const parts: Part[] = []
  while (cursor.at < cursor.text.length) {
    const char = cursor.text[cursor.at] ?? ''
    cursor.at += 1
    if (char === end) return parts
    if (char === '\n') cursor.line += 1
    const next = cursor.text[cursor.at] ?? ''
    if (char === '\\' && next !== '' && ('$`\\\n'.includes(next) || next === end)) {
      cursor.at += 1
      if (next === '\n') cursor.line += 1
      else addText(parts, next, true)
    } else if (char === '$' || char === '`') readDollar(cursor, char, true, parts, readScript)
    else addText(parts, char, true)
  }
  if (end !== '') throw new ShellSyntaxError(cursor.line, 'Unterminated quoted string')
  return parts
}

function readDollar(cursor: Cursor, char: '$' | '`', quoted: boolean, parts: Part[], readScript: ReadScript): void {
  if (char === '`') return void parts.push({ kind: 'command', script: readBackquoted(cursor, readScript), quoted })
  const rest = cursor.text.slice(cursor.at, cursor.at + 2)
  if (rest === '((') {
    const end = arithmeticEnd(cursor)
    if (end !== null) {
      const inside: Cursor = { text: cursor.text.slice(0, end), at: cursor.at + 2, line: cursor.line }
      const expression = readQuoted(inside, readScript, '')
      cursor.at = end + 2
      return void parts.push({ kind: 'arithmetic', expression, quoted })
    }
  }
  if (rest.startsWith('(')) {
    cursor.at += 1
    return void parts.push({ kind: 'command', script: readScript(cursor, ')'), quoted })
  }
  if (rest.startsWith('{')) {
    cursor.at += 1
    return void parts.push(readParameter(cursor, quoted, readScript))
  }
  const name = /^(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])/.exec(cursor.text.slice(cursor.at, cursor.at + 256))?.[0]
  if (name === undefined) return addText(parts, '$', quoted)
  cursor.at += name.length
  parts.push({ kind: 'parameter', name, operator: '', argument: [], quoted })
}

/** Where `))` closes; null when the first parenthesis is a subshell's. */
function arithmeticEnd({ text, at }: Cursor): number | null {
  let depth = 0
  for (let index = at + 2; index < text.length; index += 1) {
    if (text[index] === '(') depth += 1
    else if (text[index] === ')') {
      if (depth === 0) return text[index + 1] === ')' ? index : null
      depth -= 1
    }
  }
  return null
}

function readParameter(cursor: Cursor, quoted: boolean, readScript: ReadScript): Part {
  const found = /^(#(?=[^}]))?([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])(:?[-=+?]|##?|%%?)?/.exec(cursor.text.slice(cursor.at))
  if (found === null) throw new ShellSyntaxError(cursor.line, 'Bad substitution')
  const [all, hash, name = '', operator = ''] = found
  cursor.at += all.length
  const pattern = operator.startsWith('#') || operator.startsWith('%')
  const argument =
    quoted && !pattern ? readUntilBrace(cursor, readScript) : readParts(cursor, readScript, (char) => char === '}')
  if (cursor.text[cursor.at] !== '}') throw new ShellSyntaxError(cursor.line, "Missing '}'")
  cursor.at += 1
  if (operator === '' && argument.length > 0) throw new ShellSyntaxError(cursor.line, 'Bad substitution')
  return {
    kind: 'parameter',
    name,
    operator: (hash === undefined ? operator : 'length') as ParameterOperator,
    argument,
    quoted,
  }
}

/** The word of `"${x:-word}"`: quoted as what is around it. */
function readUntilBrace(cursor: Cursor, readScript: ReadScript): Word {
  return readParts(cursor, readScript, (char) => char === '}').map((part) => ({ ...part, quoted: true }))
}

function readBackquoted(cursor: Cursor, readScript: ReadScript): Script {
  let text = ''
  for (; cursor.at < cursor.text.length; cursor.at += 1) {
    const char = cursor.text[cursor.at] ?? ''
    const next = cursor.text[cursor.at + 1] ?? ''
    if (char === '`') {
      cursor.at += 1
      return readScript({ text, at: 0, line: cursor.line }, '')
    }
    if (char === '\\' && next !== '' && '$`\\'.includes(next)) {
      text += next
      cursor.at += 1
    } else text += char
  }
  throw new ShellSyntaxError(cursor.line, 'EOF in backquote substitution')
}

function take(cursor: Cursor, end: number): string {
  const text = cursor.text.slice(cursor.at, end)
  cursor.line += text.split('\n').length - 1
  cursor.at = end
  return text
}

function addText(parts: Part[], text: string, quoted: boolean): void {
  const last = parts.at(-1)
  if (last?.kind === 'text' && last.quoted === quoted) last.text += text
  else parts.push({ kind: 'text', text, quoted })
}
