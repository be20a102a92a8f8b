import type { Machine } from '../machine/machine.ts'
import type { Options } from './command-line.ts'
import { finishConfig } from './config/finish-config.ts'
import { readConfig } from './config/read-config.ts'
import { readSettings, type Settings } from './config/settings.ts'
import { placeText, type Reading, type Statement } from './config/statement.ts'

export interface LoadedConfig {
  readonly statements: readonly Statement[]
  /** each file once, in order of first inclusion */
  readonly files: ReadonlyMap<string, string>
  readonly settings: Settings
}

/** Reads what `options` name, as whoever runs nginx. Throws ConfigError with nginx's first complaint. */
export function loadConfig(machine: Machine, uid: number, options: Options, warn: (message: string) => void): LoadedConfig {
  const { config, directives } = options
  const modules = new Set<string>()
  const reading: Reading = {
    machine,
    uid,
    folder: config.slice(0, config.lastIndexOf('/') + 1),
    modules,
    hasStream: () => modules.has('stream'),
    warn: (message, place) => warn(place === null ? message : `${message} in ${placeText(place)}`),
  }
  const { statements, files } = readConfig(config, directives, reading)
  finishConfig(statements, reading)
  return { statements, files, settings: readSettings(statements, machine, options) }
}
