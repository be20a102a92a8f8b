/** What a POSIX shell script says, as a tree. */
export interface Script {
  items: Item[]
}

export interface Item {
  first: Pipeline
  rest: { operator: '&&' | '||'; pipeline: Pipeline }[]
  background: boolean
}

export interface Pipeline {
  negated: boolean
  commands: Command[]
}

export type Command = SimpleCommand | CompoundCommand

export interface SimpleCommand {
  kind: 'simple'
  line: number
  assignments: { name: string; value: Word }[]
  words: Word[]
  redirections: Redirection[]
}

export type CompoundCommand = { redirections: Redirection[]; line: number } & (
  | { kind: 'group' | 'subshell'; body: Script }
  | { kind: 'if'; branches: { condition: Script; body: Script }[]; otherwise: Script | null }
  | { kind: 'loop'; until: boolean; condition: Script; body: Script }
  /** words null: the positional parameters */
  | { kind: 'for'; name: string; words: Word[] | null; body: Script }
  | { kind: 'case'; word: Word; branches: { patterns: Word[]; body: Script }[] }
  | { kind: 'function'; name: string; body: Command }
)

export interface Redirection {
  /** null: 0 or 1, as the operator says */
  fd: number | null
  operator: '<' | '>' | '>>' | '>|' | '<>' | '<&' | '>&' | '<<'
  /** for `<<` the text */
  target: Word
}

export type Word = Part[]

export type Part =
  | { kind: 'text'; text: string; quoted: boolean }
  | { kind: 'parameter'; name: string; operator: ParameterOperator; argument: Word; quoted: boolean }
  | { kind: 'command'; script: Script; quoted: boolean }
  | { kind: 'arithmetic'; expression: Word; quoted: boolean }

/** `length` is `${#name}`; a colon also treats an empty value as unset */
export type ParameterOperator = '' | 'length' | '-' | ':-' | '=' | ':=' | '+' | ':+' | '?' | ':?' | '#' | '##' | '%' | '%%'

/** A script that is not one. The message is dash's, without its `sh: 1: ` in front. */
export class ShellSyntaxError extends Error {
  readonly line: number

  constructor(line: number, message: string) {
    super(`Syntax error: ${message}`)
    this.name = 'ShellSyntaxError'
    this.line = line
  }
}
