/*
 * Word expansion (XCU 2.6): parameters, command substitution, arithmetic, then field splitting, then pathnames, then quotes are gone.
 */
import { type ArithmeticVariables, evaluateArithmetic } from './arithmetic.ts'
import { isPattern, type PatternPart, patternSource } from './pattern.ts'
import type { Part, Script, Word } from './syntax.ts'

export interface Expander extends ArithmeticVariables {
  /** null: unset. Knows the special parameters except `@` and `*`. */
  lookUp(name: string): string | null
  readonly positional: readonly string[]
  /** set -u */
  readonly nounset: boolean
  /** set -f */
  readonly noglob: boolean
  readonly home: string | null
  /** the output without its last newlines */
  substitute(script: Script): Promise<string>
  paths(pattern: readonly PatternPart[]): string[]
}

/** `${x:?}` or `set -u`: ends the shell. */
export class ExpansionError extends Error {}

interface Piece extends PatternPart {
  /** came out of an unquoted expansion, so it is split at IFS */
  split: boolean
  /** `"$@"`: a new field begins here */
  fieldBreak?: true
}

export async function expandFields(word: Word, shell: Expander): Promise<string[]> {
  const only = word[0]
  if (word.length === 1 && only?.kind === 'text' && (only.quoted || !/[*?[~]/.test(only.text))) return [only.text]
  const expanded = await expandParts(tilde(word, shell), shell, true)
  // `"$@"` without parameters is no field, although it stands in quotes
  const none =
    shell.positional.length === 0 && word.some((part) => part.kind === 'parameter' && part.name === '@' && part.quoted)
  const pieces = none ? expanded.filter(({ text }) => text !== '') : expanded
  return splitFields(pieces, shell.lookUp('IFS') ?? ' \t\n').flatMap((field) => {
    const found = !shell.noglob && isPattern(field) ? shell.paths(field) : []
    return found.length > 0 ? found : [textOf(field)]
  })
}

/** Without splitting and pathnames: assignments, redirections, `case`. */
export async function expandText(word: Word, shell: Expander): Promise<string> {
  const only = word[0]
  if (word.length === 1 && only?.kind === 'text' && !only.text.startsWith('~')) return only.text
  return textOf(await expandParts(tilde(word, shell), shell, false))
}

/** The source of a regular expression, for `case`. */
export async function expandPattern(word: Word, shell: Expander): Promise<string> {
  return patternSource(await expandParts(word, shell, false))
}

const textOf = (pieces: readonly PatternPart[]): string => pieces.map(({ text }) => text).join('')

function tilde(word: Word, { home }: Expander): Word {
  const [first, ...rest] = word
  if (home === null || first?.kind !== 'text' || first.quoted || !/^~(?:\/|$)/.test(first.text)) return word
  if (first.text === '~' && rest.length > 0) return word
  return [{ kind: 'text', text: home, quoted: true }, { ...first, text: first.text.slice(1) }, ...rest]
}

async function expandParts(word: Word, shell: Expander, fields: boolean): Promise<Piece[]> {
  const pieces: Piece[] = []
  for (const part of word) {
    switch (part.kind) {
      case 'text':
        pieces.push({ text: part.text, quoted: part.quoted, split: false })
        break
      case 'command':
        pieces.push({ text: await shell.substitute(part.script), quoted: part.quoted, split: !part.quoted })
        break
      case 'arithmetic': {
        const value = evaluateArithmetic(await expandText(part.expression, shell), shell)
        pieces.push({ text: String(value), quoted: part.quoted, split: !part.quoted })
        break
      }
      case 'parameter':
        pieces.push(...(await expandParameter(part, shell, fields)))
    }
  }
  return pieces
}

type Parameter = Extract<Part, { kind: 'parameter' }>

async function expandParameter(part: Parameter, shell: Expander, fields: boolean): Promise<Piece[]> {
  const { name, operator, argument, quoted } = part
  const list = name === '@' || name === '*'
  const value = list
    ? shell.positional.length === 0
      ? null
      : shell.positional.join(separator(part, shell))
    : shell.lookUp(name)
  const missing = value === null || (operator.startsWith(':') && value === '')
  const piece = (text: string): Piece => ({ text, quoted, split: !quoted })
  switch (operator) {
    case '':
      if (list && fields) return positionalPieces(part, shell)
      if (value === null && !list && shell.nounset) throw new ExpansionError(`${name}: parameter not set`)
      return [piece(value ?? '')]
    case 'length':
      return [piece(String(list ? shell.positional.length : Array.from(value ?? '').length))]
    case '-':
    case ':-':
      return missing ? expandArgument(part, shell, fields) : list && fields ? positionalPieces(part, shell) : [piece(value)]
    case '+':
    case ':+':
      return missing ? [piece('')] : expandArgument(part, shell, fields)
    case '=':
    case ':=': {
      if (!missing) return [piece(value)]
      const given = await expandText(argument, shell)
      shell.set(name, given)
      return [piece(given)]
    }
    case '?':
    case ':?': {
      if (!missing) return [piece(value)]
      const told = await expandText(argument, shell)
      throw new ExpansionError(`${name}: ${told === '' ? 'parameter not set' : told}`)
    }
    default:
      return [piece(trimmed(value ?? '', operator, await expandParts(argument, shell, false)))]
  }
}

async function expandArgument({ argument, quoted }: Parameter, shell: Expander, fields: boolean): Promise<Piece[]> {
  const pieces = await expandParts(tilde(argument, shell), shell, fields)
  // an empty word still makes a field when it stands in quotes
  return quoted
    ? [{ text: '', quoted: true, split: false }, ...pieces]
    : pieces.map((piece) => (piece.quoted ? piece : { ...piece, split: true }))
}

function separator({ name, quoted }: Parameter, shell: Expander): string {
  if (name === '@' || !quoted) return ' '
  return (shell.lookUp('IFS') ?? ' ').slice(0, 1)
}

function positionalPieces(part: Parameter, shell: Expander): Piece[] {
  if (part.quoted && part.name === '*') {
    return [{ text: shell.positional.join(separator(part, shell)), quoted: true, split: false }]
  }
  return shell.positional.map((text, index) => ({
    text,
    quoted: part.quoted,
    split: !part.quoted,
    ...(index > 0 ? { fieldBreak: true as const } : {}),
  }))
}

/**
 * `#` and `%` take the shortest, `##` and `%%` the longest match away. In a pattern of literals and stars a greedy match from the left
 * is the longest and a lazy one the shortest; at the end it is the kept part that is greedy or lazy.
 */
function trimmed(value: string, operator: string, pattern: readonly PatternPart[]): string {
  if (operator.startsWith('#')) {
    const taken = new RegExp(`^(?:${patternSource(pattern, '[^]', operator === '##' ? '*' : '*?')})`).exec(value)?.[0] ?? ''
    return value.slice(taken.length)
  }
  return new RegExp(`^([^]*${operator === '%%' ? '?' : ''})(?:${patternSource(pattern)})$`).exec(value)?.[1] ?? value
}

function splitFields(pieces: readonly Piece[], ifs: string): PatternPart[][] {
  const fields: PatternPart[][] = []
  let field: PatternPart[] | null = null
  const end = (): void => {
    if (field !== null) fields.push(field)
    field = null
  }
  for (const piece of pieces) {
    if (piece.fieldBreak === true) end()
    if (!piece.split) {
      if (piece.text !== '' || piece.quoted) (field ??= []).push(piece)
      continue
    }
    let text = ''
    let afterBlank = false
    const flush = (): void => {
      if (text !== '') (field ??= []).push({ text, quoted: false })
      text = ''
    }
    for (const char of piece.text) {
      if (!ifs.includes(char)) {
        text += char
        afterBlank = false
      } else if (' \t\n'.includes(char)) {
        flush()
        if (field !== null) {
          end()
          afterBlank = true
        }
      } else {
        flush()
        // a separator that is no blank ends a field even when that is empty; one after a blank has nothing left to end
        if (!afterBlank) field ??= []
        end()
        afterBlank = false
      }
    }
    flush()
  }
  end()
  return fields
}
