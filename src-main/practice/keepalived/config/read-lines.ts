import { posix } from 'node:path'
import type { FileTree } from '../../machine/machine.ts'

const { dirname, join } = posix

/** One line as keepalived's parser takes it: a `{` ends one, a `}` is one. */
export interface ConfigLine {
  words: string[]
  /** a `{` follows */
  opens: boolean
  /** as `-f` or `include` name it */
  file: string
  isIncluded: boolean
  line: number
  /** what is wrong with the writing itself, told in every pass */
  faults: string[]
}

export interface ConfigText {
  lines: ConfigLine[]
  files: string[]
  /** `Config files missing …`, in order of appearance; no reason to refuse the configuration (2.2.7) */
  missing: string[]
}

const maxFiles = 200

/** Reads `path` and what it includes. Nothing is thrown: what cannot be read is `missing`, as keepalived 2.2.7 has it. */
export function readConfigText(files: FileTree, path: string, cwd: string): ConfigText {
  const text: ConfigText = { lines: [], files: [], missing: [] }
  const readOne = (name: string, folder: string, isIncluded: boolean): boolean => {
    const absolute = join(folder, name)
    let content: string
    try {
      if (files.stat(absolute).kind === 'directory') {
        text.missing.push(`Configuration file '${name}/' is a directory - skipping`)
        return true
      }
      content = files.read(absolute).toString('utf8')
    } catch {
      return false
    }
    text.files.push(name)
    for (const line of linesOf(name, isIncluded, content)) {
      const [keyword = '', pattern] = line.words
      if (!/^include[rmwbf]?$/.test(keyword) || pattern === undefined || text.files.length >= maxFiles) {
        text.lines.push(line)
        continue
      }
      const found = expandGlob(files, join(pattern.startsWith('/') ? '/' : dirname(absolute), pattern))
      const read = found.filter((file) =>
        readOne(pattern.startsWith('/') ? file : relativeTo(dirname(absolute), file), dirname(absolute), true),
      )
      if (read.length === 0)
        text.missing.push(`(${isIncluded ? `${name}: ` : ''}Line ${line.line}) Config files missing '${pattern}'.`)
    }
    return true
  }
  if (!readOne(path, path.startsWith('/') ? '/' : cwd, false)) text.missing.push(`Config files missing '${path}'.`)
  return text
}

const relativeTo = (folder: string, file: string): string => file.slice(folder === '/' ? 1 : folder.length + 1)

function linesOf(file: string, isIncluded: boolean, content: string): ConfigLine[] {
  const lines: ConfigLine[] = []
  for (const [index, raw] of content.split('\n').entries()) {
    let open: ConfigLine | null = null
    const { words, unterminated } = wordsOf(raw)
    const start = (): ConfigLine => ({ words: [], opens: false, file, isIncluded, line: index + 1, faults: [] })
    for (const { text, bare } of words) {
      if (bare && text === '{') {
        const opener: ConfigLine | undefined = open ?? lines.at(-1)
        if (opener !== undefined) opener.opens = true
        open = null
      } else if (bare && text === '}') {
        lines.push({ ...start(), words: ['}'] })
        open = null
      } else {
        if (open === null) lines.push((open = start()))
        open.words.push(text)
      }
    }
    if (!unterminated) continue
    if (open === null) lines.push((open = start()))
    open.faults.push(`Unterminated quote '${raw.trim()}'`, `Unmatched quote: '${raw.trim()}'`)
  }
  return lines
}

interface Word {
  text: string
  /** not in quotes */
  bare: boolean
}

/** Words of a line; `#` and `!` begin a comment; quotes keep blanks and braces; a quote that does not end swallows the rest. */
function wordsOf(line: string): { words: Word[]; unterminated: boolean } {
  const words: Word[] = []
  for (const match of line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(["'])|([!#].*)|([{}])|([^\s{}"'!#][^\s{}"']*)/g)) {
    const [, double, single, quote, comment, brace, plain] = match
    if (comment !== undefined) break
    if (quote !== undefined) return { words, unterminated: true }
    const quoted = double?.replace(/\\(.)/g, '$1') ?? single
    words.push(quoted === undefined ? { text: brace ?? plain ?? '', bare: true } : { text: quoted, bare: false })
  }
  return { words, unterminated: false }
}

/** glob(3) of an absolute pattern, for `*`, `?` and `[…]`, sorted. */
function expandGlob(files: FileTree, pattern: string): string[] {
  let paths = ['']
  for (const part of pattern.split('/').slice(1)) {
    if (!/[*?[]/.test(part)) {
      paths = paths.map((path) => `${path}/${part}`)
      continue
    }
    const matches = new RegExp(
      `^${part
        .replace(/[.+^${}()|\\]/g, '\\$&')
        .replace(/\*/g, '.*')
        .replace(/\?/g, '.')
        .replace(/\[!/g, '[^')}$`,
    )
    paths = paths.flatMap((path) =>
      listed(files, path || '/')
        .filter((name) => !name.startsWith('.') && matches.test(name))
        .sort()
        .map((name) => `${path}/${name}`),
    )
  }
  return paths.filter((path) => files.exists(path))
}

function listed(files: FileTree, path: string): string[] {
  try {
    return files.list(path)
  } catch {
    // a folder that is not there matches nothing
    return []
  }
}
