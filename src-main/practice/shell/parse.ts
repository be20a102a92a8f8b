/*
 * A parser for the POSIX shell language (XCU 2.10), without aliases. Its words of complaint are dash's.
 */
import {
  type Command,
  type CompoundCommand,
  type Item,
  type Pipeline,
  type Redirection,
  type Script,
  ShellSyntaxError,
  type Word,
} from './syntax.ts'
import { type Cursor, readHereDocument, readWord } from './word-reader.ts'

/** Throws ShellSyntaxError. */
export function parseScript(text: string): Script {
  return readScript({ text, at: 0, line: 1 }, '')
}

/** The commands up to `end` (`)` of a substitution, or the end of the text), which is consumed. */
function readScript(cursor: Cursor, end: string): Script {
  const parser = new Parser(cursor)
  const script = parser.list()
  parser.finish(end)
  return script
}

const reserved = new Set([
  'if',
  'then',
  'else',
  'elif',
  'fi',
  'do',
  'done',
  'case',
  'esac',
  'while',
  'until',
  'for',
  '{',
  '}',
  '!',
  'in',
])
const closing = new Set(['then', 'else', 'elif', 'fi', 'do', 'done', 'esac', '}'])
const operator = /^(?:&&|\|\||;;|<<-|<<|>>|<&|>&|<>|>\||[|&;<>()\n])/
const redirectors = new Set(['<', '>', '>>', '>|', '<>', '<&', '>&', '<<', '<<-'])

interface PendingHereDocument {
  redirection: Redirection
  end: string
  quoted: boolean
  stripTabs: boolean
}

class Parser {
  readonly #cursor: Cursor
  #pending: PendingHereDocument[] = []

  constructor(cursor: Cursor) {
    this.#cursor = cursor
  }

  finish(end: string): void {
    this.#blanks()
    if (end === '' ? this.#cursor.at < this.#cursor.text.length : !this.#takeOperator(end)) this.#unexpected()
  }

  list(): Script {
    const items: Item[] = []
    for (;;) {
      this.#newlines()
      if (this.#atEnd()) return { items }
      const item = this.#item()
      items.push(item)
      if (this.#takeOperator('&')) item.background = true
      else if (!this.#takeOperator(';') && this.#peekOperator() !== '\n') return { items }
    }
  }

  #atEnd(): boolean {
    const next = this.#peekOperator()
    if (next !== null) return next === ')' || next === ';;' || (next !== '(' && !redirectors.has(next) && this.#unexpected())
    if (this.#cursor.at >= this.#cursor.text.length) return true
    return closing.has(this.#peekPlain())
  }

  #item(): Item {
    const item: Item = { first: this.#pipeline(), rest: [], background: false }
    for (;;) {
      const found = this.#takeOperator('&&') ? '&&' : this.#takeOperator('||') ? '||' : null
      if (found === null) return item
      this.#newlines()
      item.rest.push({ operator: found, pipeline: this.#pipeline() })
    }
  }

  #pipeline(): Pipeline {
    const negated = this.#takeWord('!')
    const commands = [this.#command()]
    while (this.#takeOperator('|')) {
      this.#newlines()
      commands.push(this.#command())
    }
    return { negated, commands }
  }

  #command(): Command {
    const { line } = this.#cursor
    const compound = this.#compound(line)
    if (compound === null) return this.#simple(line)
    for (let next = this.#redirection(); next !== null; next = this.#redirection()) compound.redirections.push(next)
    return compound
  }

  #compound(line: number): CompoundCommand | null {
    const common = { redirections: [], line }
    if (this.#takeOperator('(')) {
      const body = this.#body()
      if (!this.#takeOperator(')')) this.#unexpected()
      return { ...common, kind: 'subshell', body }
    }
    const word = this.#peekPlain()
    if (!reserved.has(word)) return null
    if (closing.has(word) || word === 'in') this.#unexpected()
    this.#takeWord(word)
    switch (word) {
      case '{':
        return { ...common, kind: 'group', body: this.#bodyUntil('}') }
      case 'if':
        return { ...common, kind: 'if', ...this.#branches() }
      case 'while':
      case 'until':
        return {
          ...common,
          kind: 'loop',
          until: word === 'until',
          condition: this.#bodyUntil('do'),
          body: this.#bodyUntil('done'),
        }
      case 'for':
        return { ...common, kind: 'for', ...this.#forLoop() }
      case 'case':
        return { ...common, kind: 'case', ...this.#cases() }
      default:
        return this.#unexpected()
    }
  }

  #branches(): { branches: { condition: Script; body: Script }[]; otherwise: Script | null } {
    const branches = []
    do branches.push({ condition: this.#bodyUntil('then'), body: this.#body() })
    while (this.#takeWord('elif'))
    const otherwise = this.#takeWord('else') ? this.#body() : null
    this.#expectWord('fi')
    return { branches, otherwise }
  }

  #forLoop(): { name: string; words: Word[] | null; body: Script } {
    const name = this.#peekPlain()
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new ShellSyntaxError(this.#cursor.line, 'Bad for loop variable')
    this.#takeWord(name)
    this.#newlines()
    let words: Word[] | null = null
    if (this.#takeWord('in')) {
      words = []
      for (let word = this.#word(); word !== null; word = this.#word()) words.push(word)
    }
    this.#takeOperator(';')
    this.#newlines()
    this.#expectWord('do')
    return { name, words, body: this.#bodyUntil('done') }
  }

  #cases(): { word: Word; branches: { patterns: Word[]; body: Script }[] } {
    const word = this.#word() ?? this.#unexpected()
    this.#newlines()
    this.#expectWord('in')
    const branches = []
    for (;;) {
      this.#newlines()
      if (this.#takeWord('esac')) return { word, branches }
      this.#takeOperator('(')
      const patterns = [this.#word() ?? this.#unexpected()]
      while (this.#takeOperator('|')) patterns.push(this.#word() ?? this.#unexpected())
      if (!this.#takeOperator(')')) this.#unexpected()
      branches.push({ patterns, body: this.list() })
      this.#newlines()
      if (!this.#takeOperator(';;')) {
        this.#expectWord('esac')
        return { word, branches }
      }
    }
  }

  #body(): Script {
    const body = this.list()
    if (body.items.length === 0) this.#unexpected()
    return body
  }

  #bodyUntil(word: string): Script {
    const body = this.#body()
    this.#expectWord(word)
    return body
  }

  #simple(line: number): Command {
    const command: Command = { kind: 'simple', line, assignments: [], words: [], redirections: [] }
    for (;;) {
      const redirection = this.#redirection()
      if (redirection !== null) {
        command.redirections.push(redirection)
        continue
      }
      const assigned = command.words.length === 0 ? this.#assignment() : null
      if (assigned !== null) {
        command.assignments.push(assigned)
        continue
      }
      const before = this.#cursor.at
      const word = this.#word()
      if (word === null) break
      command.words.push(word)
      const name = this.#cursor.text.slice(before, this.#cursor.at).trim()
      if (command.words.length === 1 && command.assignments.length === 0 && this.#peekOperator() === '(') {
        return this.#functionBody(name, line)
      }
    }
    if (command.words.length + command.assignments.length + command.redirections.length === 0) this.#unexpected()
    return command
  }

  #functionBody(name: string, line: number): Command {
    if (!this.#takeOperator('(') || !this.#takeOperator(')')) this.#unexpected()
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new ShellSyntaxError(line, 'Bad function name')
    this.#newlines()
    return { kind: 'function', name, body: this.#command(), redirections: [], line }
  }

  #assignment(): { name: string; value: Word } | null {
    this.#blanks()
    const name = /^[A-Za-z_][A-Za-z0-9_]*(?==)/.exec(this.#cursor.text.slice(this.#cursor.at, this.#cursor.at + 256))?.[0]
    if (name === undefined) return null
    this.#cursor.at += name.length + 1
    return { name, value: readWord(this.#cursor, readScript) ?? [] }
  }

  #redirection(): Redirection | null {
    this.#blanks()
    const found = /^(\d*)(<<-|<<|>>|<&|>&|<>|>\||<|>)/.exec(this.#cursor.text.slice(this.#cursor.at, this.#cursor.at + 16))
    if (found === null) return null
    const [all, fd = '', sign = ''] = found
    this.#cursor.at += all.length
    const from = this.#cursor.at
    const target = this.#word() ?? this.#unexpected()
    const operatorText = sign === '<<-' ? '<<' : (sign as Redirection['operator'])
    const redirection: Redirection = { fd: fd === '' ? null : Number(fd), operator: operatorText, target }
    if (operatorText === '<<') {
      const end = target.map((part) => (part.kind === 'text' ? part.text : '')).join('')
      const quoted = /['"\\]/.test(this.#cursor.text.slice(from, this.#cursor.at))
      this.#pending.push({ redirection, end, quoted, stripTabs: sign === '<<-' })
    }
    return redirection
  }

  #readHereDocuments(): void {
    const { text } = this.#cursor
    for (const { redirection, end, quoted, stripTabs } of this.#pending.splice(0)) {
      const { line } = this.#cursor
      let body = ''
      while (this.#cursor.at < text.length) {
        const newline = text.indexOf('\n', this.#cursor.at)
        const stop = newline < 0 ? text.length : newline
        const raw = text.slice(this.#cursor.at, stop)
        const current = stripTabs ? raw.replace(/^\t+/, '') : raw
        this.#cursor.at = Math.min(stop + 1, text.length)
        this.#cursor.line += 1
        if (current === end) break
        body += `${current}\n`
      }
      redirection.target = quoted ? [{ kind: 'text', text: body, quoted: true }] : readHereDocument(body, line, readScript)
    }
  }

  #word(): Word | null {
    this.#blanks()
    return readWord(this.#cursor, readScript)
  }

  #blanks(): void {
    const blank = /(?:[ \t]|\\\n)*(?:#[^\n]*)?/y
    blank.lastIndex = this.#cursor.at
    const skipped = blank.exec(this.#cursor.text)?.[0] ?? ''
    if (skipped === '') return
    // `#` begins a comment only where a word could begin, and this is asked only there
    this.#cursor.at += skipped.length
    if (skipped.includes('\n')) this.#cursor.line += skipped.split('\n').length - 1
  }

  #newlines(): void {
    while (this.#takeOperator('\n'));
  }

  #peekOperator(): string | null {
    this.#blanks()
    return operator.exec(this.#cursor.text.slice(this.#cursor.at, this.#cursor.at + 3))?.[0] ?? null
  }

  #takeOperator(wanted: string): boolean {
    if (this.#peekOperator() !== wanted) return false
    this.#cursor.at += wanted.length
    if (wanted === '\n') {
      this.#cursor.line += 1
      this.#readHereDocuments()
    }
    return true
  }

  /** The next word if it has no quotes and no substitutions, else ''. */
  #peekPlain(): string {
    this.#blanks()
    const plain = /[^\s|&;<>()'"\\$`]+/y
    plain.lastIndex = this.#cursor.at
    const word = plain.exec(this.#cursor.text)?.[0] ?? ''
    const after = this.#cursor.text[this.#cursor.at + word.length] ?? ' '
    return /[\s|&;<>()]/.test(after) ? word : ''
  }

  #takeWord(wanted: string): boolean {
    if (this.#peekPlain() !== wanted) return false
    this.#cursor.at += wanted.length
    return true
  }

  #expectWord(wanted: string): void {
    if (!this.#takeWord(wanted)) this.#unexpected(wanted)
  }

  #unexpected(wanted?: string): never {
    const found = this.#peekOperator() ?? this.#peekPlain()
    const names: Record<string, string> = { '': 'end of file', '\n': 'newline' }
    const quoted = found === '' && this.#cursor.at < this.#cursor.text.length ? 'word' : (names[found] ?? `"${found}"`)
    const expecting = wanted === undefined ? '' : ` (expecting "${wanted}")`
    throw new ShellSyntaxError(this.#cursor.line, `${quoted} unexpected${expecting}`)
  }
}
