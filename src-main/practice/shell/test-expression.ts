import type { FileStat, FileTree } from '../machine/machine.ts'

export interface TestContext {
  files: FileTree
  uid: number
  /** absolute path of a word */
  path: (word: string) => string
}

/** Thrown with dash's words; the status is 2. */
export class TestError extends Error {}

/** test(1): `-f x`, `a = b`, `! …`, `( … )`, `-a`, `-o`. */
export function evaluateTest(words: readonly string[], context: TestContext): boolean {
  let at = 0
  const either = (): boolean => {
    let value = both()
    while (words[at] === '-o') {
      at += 1
      value = both() || value
    }
    return value
  }
  const both = (): boolean => {
    let value = one()
    while (words[at] === '-a') {
      at += 1
      value = one() && value
    }
    return value
  }
  const one = (): boolean => {
    const left = words.length - at
    const [first = '', second = '', third = ''] = words.slice(at, at + 3)
    if (left === 0) throw new TestError('argument expected')
    if (left >= 3 && isBinary(second)) {
      at += 3
      return compare(first, second, third, context)
    }
    if (first === '!' && left > 1) {
      at += 1
      return !one()
    }
    if (first === '(' && left > 2) {
      at += 1
      const value = either()
      if (words[at] !== ')') throw new TestError('closing paren expected')
      at += 1
      return value
    }
    if (left >= 2 && /^-[a-zA-Z]$/.test(first) && second !== '-a' && second !== '-o') {
      at += 2
      return ask(first, second, context)
    }
    at += 1
    return first !== ''
  }
  if (words.length === 0) return false
  const value = either()
  if (at < words.length) throw new TestError(`${words[at] ?? ''}: unexpected operator`)
  return value
}

const isBinary = (word: string): boolean => /^(?:=|==|!=|<|>|-(?:eq|ne|lt|le|gt|ge|nt|ot|ef))$/.test(word)

function compare(left: string, operator: string, right: string, context: TestContext): boolean {
  const stat = (word: string): FileStat | null => statOf(word, context, true)
  const numbers = (): number => integer(left) - integer(right)
  const comparisons: Record<string, () => boolean> = {
    '=': () => left === right,
    '==': () => left === right,
    '!=': () => left !== right,
    '<': () => left < right,
    '>': () => left > right,
    '-eq': () => numbers() === 0,
    '-ne': () => numbers() !== 0,
    '-lt': () => numbers() < 0,
    '-le': () => numbers() <= 0,
    '-gt': () => numbers() > 0,
    '-ge': () => numbers() >= 0,
    '-nt': () => (stat(left)?.modifiedAt ?? -1) > (stat(right)?.modifiedAt ?? -1),
    '-ot': () => (stat(left)?.modifiedAt ?? -1) < (stat(right)?.modifiedAt ?? -1),
    '-ef': () => stat(left) !== null && stat(left)?.inode === stat(right)?.inode,
  }
  return comparisons[operator]?.() ?? false
}

function integer(text: string): number {
  if (!/^\s*[-+]?\d+\s*$/.test(text)) throw new TestError(`Illegal number: ${text}`)
  return Number(text)
}

function statOf(word: string, { files, path }: TestContext, follow: boolean): FileStat | null {
  try {
    return word === '' ? null : follow ? files.stat(path(word)) : files.lstat(path(word))
  } catch {
    return null
  }
}

function ask(operator: string, word: string, context: TestContext): boolean {
  const { files, uid, path } = context
  const stat = statOf(word, context, true)
  const may = (want: 'read' | 'write' | 'execute'): boolean => stat !== null && files.mayAccess(path(word), uid, want)
  switch (operator) {
    case '-n':
      return word !== ''
    case '-z':
      return word === ''
    case '-e':
      return stat !== null
    case '-f':
      return stat?.kind === 'file'
    case '-d':
      return stat?.kind === 'directory'
    case '-S':
      return stat?.kind === 'socket'
    case '-h':
    case '-L':
      return statOf(word, context, false)?.kind === 'symlink'
    case '-s':
      return stat !== null && stat.size > 0
    case '-r':
      return may('read')
    case '-w':
      return may('write')
    case '-x':
      return may('execute') && (stat?.kind === 'directory' || ((stat?.mode ?? 0) & 0o111) !== 0)
    case '-O':
      return stat?.uid === uid
    case '-b':
    case '-c':
    case '-p':
    case '-t':
      // a practice machine has no devices, no named pipes and no terminals
      return false
    default:
      throw new TestError(`${operator}: unexpected operator`)
  }
}
