/*
 * What a keepalived configuration means, on top of its statements: virtual routers and check scripts, each with the place where it stands.
 * keepalived takes the last of a keyword that is given twice.
 */
import type { LineTree } from '../config-text/line-tree.ts'
import { statementsOf, type Statement, type StatementProblem } from './config-tree.ts'

export interface Place {
  readonly file: string
  /** 1-based */
  readonly line: number
  readonly column: number
}

export interface Instance extends Place {
  readonly name: string
  readonly statements: readonly Statement[]
}

export interface Script extends Place {
  readonly name: string
  readonly command: string
  readonly intervalS: number
  readonly weight: number
}

export interface Tracked extends Place {
  readonly name: string
  /** null: as the script says itself */
  readonly weight: number | null
}

export interface KeepalivedFile {
  readonly path: string
  readonly statements: readonly Statement[]
  readonly problems: readonly StatementProblem[]
  readonly instances: readonly Instance[]
  readonly scripts: readonly Script[]
}

export function viewOf(path: string, tree: LineTree): KeepalivedFile {
  const { statements, problems } = statementsOf(tree)
  const blocks = (kind: string): Instance[] =>
    statements.flatMap((each) =>
      each.words[0].value === kind && each.block !== null
        ? [{ ...placeOf(path, each), name: each.words[1]?.value ?? '', statements: each.block }]
        : [],
    )
  const scripts = blocks('vrrp_script').map(({ statements: inside, ...rest }) => ({
    ...rest,
    command: valuesOf(inside, 'script').join(' '),
    intervalS: Number(valuesOf(inside, 'interval')[0] ?? 1),
    weight: Number(valuesOf(inside, 'weight')[0] ?? 0),
  }))
  return { path, statements, problems, instances: blocks('vrrp_instance'), scripts }
}

export const placeOf = (file: string, { words, line }: Statement): Place => ({ file, line, column: words[0].start + 1 })

export const statementOf = (among: readonly Statement[], keyword: string): Statement | undefined =>
  among.findLast(({ words }) => words[0].value === keyword)

export const valuesOf = (among: readonly Statement[], keyword: string): string[] =>
  statementOf(among, keyword)
    ?.words.slice(1)
    .map(({ value }) => value) ?? []

export const valueOf = ({ statements }: Instance, keyword: string): string | undefined => valuesOf(statements, keyword)[0]

export const blockOf = (among: readonly Statement[], keyword: string): readonly Statement[] =>
  statementOf(among, keyword)?.block ?? []

export const addressesOf = ({ statements }: Instance): string[] =>
  blockOf(statements, 'virtual_ipaddress').map(({ words }) => words[0].value)

export function trackedBy({ file, statements }: Instance, kind: 'track_script' | 'track_file' | 'track_process'): Tracked[] {
  return blockOf(statements, kind).map((statement) => {
    const words = statement.words.map(({ value }) => value)
    const weight = words.indexOf('weight')
    return { ...placeOf(file, statement), name: words[0] ?? '', weight: weight < 0 ? null : Number(words[weight + 1]) }
  })
}

/** Names of all instances of its vrrp_sync_group, which change their state together; null: it is in none. */
export function syncGroupOf(views: readonly KeepalivedFile[], name: string): string[] | null {
  const groups = views
    .flatMap(({ statements }) => statements)
    .flatMap(({ words, block }) => (words[0].value === 'vrrp_sync_group' && block !== null ? [blockOf(block, 'group')] : []))
    .map((members) => members.flatMap(({ words }) => words.map(({ value }) => value)))
  return groups.find((members) => members.includes(name)) ?? null
}
