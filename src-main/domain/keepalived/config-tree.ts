/*
 * keepalived's configuration, lossless: lines of words, and blocks between braces (keepalived.conf(5), 2.2.7). Definitions (`$NAME=…`),
 * conditions (`@host`) and templates stand in the tree as they are written; only the daemon expands them.
 *
 * The tree holds the file as it is, `auth_pass` included. Whoever shows or keeps text from it has to take that out.
 */
import { parseLines, type ConfigLine, type LineGrammar, type LineTree, type Word } from '../config-text/line-tree.ts'

/** A statement: its words up to `{`, `}` or the end of the line, and what stands between its braces. */
export interface Statement {
  readonly words: readonly [Word, ...Word[]]
  /** 1-based line of its first word */
  readonly line: number
  /** null for a statement without braces */
  readonly block: readonly Statement[] | null
}

export interface StatementProblem {
  readonly line: number
  readonly column: number
  readonly message: string
}

const token = /"((?:[^"\\]|\\.)*)("?)|([!#])|([{}])|([^\s{}"!#][^\s{}"]*)/g

/** `{` and `}` stand alone; `#` and `!` begin a comment where a word could begin; double quotes keep blanks together. */
function parseLine(text: string): ReturnType<LineGrammar['parseLine']> {
  const words: Word[] = []
  for (const match of text.matchAll(token)) {
    const [all, quoted, close, comment, brace, bare] = match
    const start = match.index
    if (comment !== undefined) return { words, comment: start, problem: null }
    const value = quoted?.replace(/\\(.)/g, '$1') ?? brace ?? bare ?? ''
    words.push({ start, end: start + all.length, value, variables: [] })
    if (quoted !== undefined && close === '')
      return { words, comment: null, problem: { column: start, message: 'unmatched quote' } }
  }
  return { words, comment: null, problem: null }
}

const grammar: LineGrammar = {
  parseLine,
  quoteWord: (value) => (/^[^\s{}"!#][^\s{}"]*$/.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`),
  opensBlock: ({ words }) => words.at(-1)?.value === '{',
}

export const parseTree = (text: string): LineTree => parseLines(grammar, text)

const isBrace = (line: ConfigLine, word: Word): boolean =>
  (word.value === '{' || word.value === '}') && line.text.charAt(word.start) !== '"'

/** deeper than any block of keepalived; keeps a file of braces from exhausting the stack of those who walk the statements */
const maxDepth = 32

/** Statements with their blocks. A `{` on a line of its own belongs to the statement before it. */
export function statementsOf(tree: LineTree): { statements: Statement[]; problems: StatementProblem[] } {
  const problems: StatementProblem[] = []
  const top: Statement[] = []
  const open: Statement[][] = [top]
  const complain = (line: ConfigLine, word: Word, message: string): void =>
    void problems.push({ line: line.number, column: word.start, message })
  for (const line of tree.lines) {
    if (line.problem !== null) problems.push({ line: line.number, ...line.problem })
    let words: Word[] = []
    const flush = (): void => {
      const [first, ...rest] = words
      if (first !== undefined) open.at(-1)?.push({ words: [first, ...rest], line: line.number, block: null })
      words = []
    }
    for (const word of line.words) {
      if (!isBrace(line, word)) {
        words.push(word)
        continue
      }
      flush()
      if (word.value === '}') {
        if (open.length > 1) open.pop()
        else complain(line, word, "extra '}'")
        continue
      }
      const owner = open.at(-1)?.pop()
      if (owner === undefined || owner.block !== null) {
        if (owner !== undefined) open.at(-1)?.push(owner)
        complain(line, word, "'{' without a keyword before it")
      } else {
        const block: Statement[] = []
        open.at(-1)?.push({ ...owner, block })
        if (open.length < maxDepth) open.push(block)
        else complain(line, word, `blocks are nested more than ${maxDepth} deep`)
      }
    }
    flush()
  }
  const last = tree.lines.at(-1)
  if (open.length > 1 && last !== undefined) {
    problems.push({ line: last.number, column: last.text.length, message: `${open.length - 1} missing '}'` })
  }
  return { statements: top, problems }
}
