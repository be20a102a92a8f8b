import {
  addressesOf,
  placeOf,
  statementOf,
  valueOf,
  type Instance,
  type KeepalivedFile,
  type Place,
} from '../keepalived/config-view.ts'
import type { Rule } from './finding.ts'

/** Several files are one configuration when one includes the other, and members of a pair when both define the same virtual router. */
export interface KeepalivedConfig {
  readonly files: readonly KeepalivedFile[]
}

export const has = (instance: Instance, keyword: string): boolean => statementOf(instance.statements, keyword) !== undefined
/** where a keyword of the instance stands, else the instance itself */
export const at = (instance: Instance, keyword: string): Place => {
  const statement = statementOf(instance.statements, keyword)
  return statement === undefined ? instance : placeOf(instance.file, statement)
}
export const priorityOf = (instance: Instance): number => Number(valueOf(instance, 'priority') ?? 100)
/** virtual routers meet when they share an id, an interface and an address family */
export const meetingKey = (instance: Instance): string =>
  [
    valueOf(instance, 'virtual_router_id'),
    valueOf(instance, 'interface'),
    addressesOf(instance)[0]?.includes(':') === true,
  ].join(' ')
export const everyInstance = ({ files }: KeepalivedConfig): Instance[] => files.flatMap(({ instances }) => instances)

export const isPairOf = (one: Instance, other: Instance): boolean =>
  one.file !== other.file && (one.name === other.name || meetingKey(one) === meetingKey(other))

/** Instances of different files that are the same virtual router: the members of a pair. */
export function pairs(config: KeepalivedConfig): [Instance, Instance][] {
  const all = everyInstance(config)
  return all.flatMap((one, index) =>
    all.slice(index + 1).flatMap((other): [Instance, Instance][] => (isPairOf(one, other) ? [[one, other]] : [])),
  )
}

export type KeepalivedRule = Rule<KeepalivedConfig>
