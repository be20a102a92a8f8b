import { PosixError, type Machine } from '../machine/machine.ts'
import { named } from './config/levels.ts'
import type { Settings } from './config/settings.ts'
import { ConfigError, type Statement } from './config/statement.ts'
import { errnoText } from './errno.ts'
import type { LoadedConfig } from './load-config.ts'

/** What nginx does with a configuration that it could read, before it opens sockets: its logs, and memory for zones. Throws ConfigError. */
export function prepare(machine: Machine, { statements, settings }: LoadedConfig, uid: number): void {
  openLogs(machine, settings, uid)
  const [unsized] = findUnsizedZones(statements)
  if (unsized !== undefined) throw new ConfigError(`zero size shared memory zone "${unsized}"`)
}

/** Makes the logs that are missing. Throws ConfigError for one that cannot be written. */
export function openLogs(machine: Machine, { logFiles }: Settings, uid: number): void {
  for (const path of logFiles) openFile(machine, path, uid)
}

export function openFile({ files }: Machine, path: string, uid: number): void {
  try {
    files.write(path, '', { append: true, uid })
  } catch (thrown) {
    if (!(thrown instanceof PosixError)) throw thrown
    throw new ConfigError(`open() "${path}" failed (${errnoText(thrown)})`)
  }
}

/** Zones that are used and that nobody has given a size. */
function findUnsizedZones(statements: readonly Statement[]): string[] {
  return statements.flatMap(({ name, block }) => {
    if (block === null || (name !== 'http' && name !== 'stream')) return []
    const all = everyStatement(block)
    const zones = named(all, 'zone')
    const limitZones = named(all, 'limit_req_zone').map(({ args }) => zoneIn(args))
    return [
      ...named(all, 'limit_req')
        .flatMap(({ args }) => zoneIn(args) ?? [])
        .filter((used) => !limitZones.includes(used)),
      ...zones.flatMap(({ args: [used = '', size] }) =>
        size !== undefined || zones.some(({ args }) => args[0] === used && args.length > 1) ? [] : [used],
      ),
    ]
  })
}

const everyStatement = (statements: readonly Statement[]): Statement[] =>
  statements.flatMap((statement) => [statement, ...everyStatement(statement.block ?? [])])

const zoneIn = (args: readonly string[]): string | undefined => args.flatMap((arg) => /^zone=([^:]+)/.exec(arg)?.[1] ?? [])[0]
