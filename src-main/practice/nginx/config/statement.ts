import type { Directive } from '../../../domain/nginx/parse-config.ts'
import type { Machine } from '../../machine/machine.ts'

/** Where a directive may stand. The blocks of `stream` are other blocks than those of `http` even where they bear the same name. */
export type Context =
  | 'main'
  | 'events'
  | 'http'
  | 'server'
  | 'location'
  | 'upstream'
  | 'map'
  | 'types'
  | 'stream'
  | 'stream-server'
  | 'stream-upstream'

/** A directive that passed. `line` is that of its `;` or `{`, as nginx counts. */
export interface Statement extends Directive {
  block: Statement[] | null
  /** the line of the closing brace */
  endLine: number
}

/** A message of level emerg. Without a place it bears none. */
export class ConfigError extends Error {
  constructor(message: string, place: { file: string; line: number } | null = null) {
    super(place === null ? message : `${message} in ${placeText(place)}`)
    this.name = 'ConfigError'
  }
}

export const placeText = ({ file, line }: { file: string; line: number }): string => (line === 0 ? file : `${file}:${line}`)

/** What is known while a configuration is read. */
export interface Reading {
  readonly machine: Machine
  /** who reads: files that it may not read cannot be included */
  readonly uid: number
  /** folder that relative paths of included files start at, with a slash */
  readonly folder: string
  readonly hasStream: () => boolean
  readonly modules: Set<string>
  warn(message: string, place: { file: string; line: number } | null): void
}

/** What a directive finds around itself. */
export interface Scope {
  readonly reading: Reading
  /** those before it in the same block */
  readonly before: readonly Statement[]
  /** the blocks around it, innermost first, and what stood in them before */
  readonly around: readonly { statement: Statement; before: readonly Statement[] }[]
}

/** Throws ConfigError. */
export type Check = (statement: Statement, scope: Scope) => void
