import { unixPath } from './command-line.ts'
import { parseConfig, sectionsOf } from './config/tree.ts'

export const socketLevels = ['user', 'operator', 'admin'] as const
export type SocketLevel = (typeof socketLevels)[number]

/** A `stats socket` line of the `global` section that names a unix socket. */
export interface StatsSocket {
  path: string
  /** `operator` is HAProxy's default */
  level: SocketLevel
  group: string | null
  mode: string | null
  /** as it stands in the file, for the finding that tells what to change */
  text: string
  line: number
}

export interface ConfigSockets {
  sockets: StatsSocket[]
  masterWorker: boolean
}

/**
 * Reads `stats socket` and `master-worker` out of one configuration file, and nothing else. TCP and abstract sockets, and paths
 * that hold an environment variable, are not listed: they cannot be reached by path.
 */
export function findStatsSockets(config: string): ConfigSockets {
  const found: ConfigSockets = { sockets: [], masterWorker: false }
  const lines = sectionsOf(parseConfig(config)).flatMap(({ kind, lines }) => (kind === 'global' ? lines : []))
  for (const { number, text, words: parsed } of lines) {
    const words = parsed.map(({ value }) => value)
    if (words[0] === 'master-worker') found.masterWorker = true
    if (words[0] !== 'stats' || words[1] !== 'socket') continue
    const path = unixPath(words[2] ?? '')
    if (path === null) continue
    const value = (name: string): string | null => {
      const at = words.indexOf(name, 3)
      return at === -1 ? null : (words[at + 1] ?? null)
    }
    const level = socketLevels.find((one) => one === value('level')) ?? 'operator'
    found.sockets.push({ path, level, group: value('group'), mode: value('mode'), text: text.trim(), line: number })
  }
  return found
}
