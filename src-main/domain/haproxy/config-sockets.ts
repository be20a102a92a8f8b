import { unixPath } from './command-line.ts'

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

const sections =
  /^(global|defaults|frontend|backend|listen|peers|resolvers|mailers|userlist|cache|program|http-errors|ring|log-forward|fcgi-app|traces|crt-store|log-profile|acme)$/

/**
 * Reads `stats socket` and `master-worker` out of one configuration file, and nothing else. TCP and abstract sockets, and paths
 * that hold an environment variable, are not listed: they cannot be reached by path.
 */
export function findStatsSockets(config: string): ConfigSockets {
  const found: ConfigSockets = { sockets: [], masterWorker: false }
  let section = ''
  config.split('\n').forEach((text, index) => {
    const words = wordsOf(text)
    const [first = '', second = '', third = ''] = words
    if (sections.test(first)) section = first
    if (section !== 'global') return
    if (first === 'master-worker') found.masterWorker = true
    if (first !== 'stats' || second !== 'socket') return
    const path = unixPath(third)
    if (path === null) return
    const value = (name: string): string | null => {
      const at = words.indexOf(name, 3)
      return at === -1 ? null : (words[at + 1] ?? null)
    }
    const level = socketLevels.find((one) => one === value('level')) ?? 'operator'
    found.sockets.push({ path, level, group: value('group'), mode: value('mode'), text: text.trim(), line: index + 1 })
  })
  return found
}

/** Words as HAProxy splits them: `#` starts a comment, quotes group, a backslash takes the next character as it is. */
function wordsOf(line: string): string[] {
  const words: string[] = []
  let word: string | null = null
  let quote = ''
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at)
    if (character === '\\' && quote !== "'") word = (word ?? '') + line.charAt(++at)
    else if (quote !== '') {
      if (character === quote) quote = ''
      else word = (word ?? '') + character
    } else if (character === '"' || character === "'") {
      quote = character
      word ??= ''
    } else if (character === '#') break
    else if (/\s/.test(character)) {
      if (word !== null) words.push(word)
      word = null
    } else word = (word ?? '') + character
  }
  if (word !== null) words.push(word)
  return words
}
