/**
 * keepalived.conf as far as observing needs it: the instances, for a node whose daemon does not answer. What the daemon says
 * always comes first, because the file may have changed since it was loaded. Definitions (`$NAME=…`), conditions (`@host`) and
 * templates are not expanded.
 *
 * `auth_pass` is the clear-text VRRP password: `linesOf` drops it, nothing later sees it.
 */
import { bareAddress } from './parse-json-dump.ts'

export interface ConfigLine {
  words: string[]
  file: string
  line: number
}

export interface ConfiguredTrack {
  kind: 'script' | 'file' | 'interface' | 'process'
  name: string
  /** null: as defined by the script or file itself */
  weight: number | null
}

export interface ConfiguredInstance {
  name: string
  vrid: number
  interface: string
  priority: number | null
  advertIntMs: number | null
  nopreempt: boolean | null
  addresses: string[]
  unicastPeers: string[]
  tracked: ConfiguredTrack[]
  file: string
  line: number
}

/** Words of each line; `{` and `}` stand alone; `#` and `!` begin a comment; double or single quotes keep blanks together. */
export function linesOf(file: string, text: string): ConfigLine[] {
  return text.split('\n').flatMap((raw, index) => {
    const words: string[] = []
    for (const match of raw.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|([!#].*)|([{}])|([^\s{}"']+)/g)) {
      const [, double, single, comment, brace, bare] = match
      if (comment !== undefined) break
      words.push(double?.replace(/\\(.)/g, '$1') ?? single ?? brace ?? bare ?? '')
    }
    const kept = withoutPassword(words)
    return kept.length === 0 ? [] : [{ words: kept, file, line: index + 1 }]
  })
}

function withoutPassword(words: readonly string[]): string[] {
  const start = words.indexOf('auth_pass')
  if (start < 0) return [...words]
  const end = words.indexOf('}', start)
  return [...words.slice(0, start), ...(end < 0 ? [] : words.slice(end))]
}

/** Patterns of `include` (glob, relative to the directory of the including file), as absolute patterns. */
export function includesOf(lines: readonly ConfigLine[]): string[] {
  return lines.flatMap(({ words, file }) => {
    const pattern = /^include[a-z]?$/.test(words[0] ?? '') ? words[1] : undefined
    if (pattern === undefined) return []
    return [pattern.startsWith('/') ? pattern : file.slice(0, file.lastIndexOf('/') + 1) + pattern]
  })
}

const trackKinds: Record<string, ConfiguredTrack['kind']> = {
  track_script: 'script',
  track_file: 'file',
  track_interface: 'interface',
  track_process: 'process',
}

/** Instances of all files together. keepalived's own defaults: priority 100, one advert per second. */
export function instancesOf(lines: readonly ConfigLine[]): ConfiguredInstance[] {
  const instances: ConfiguredInstance[] = []
  const path: string[] = []
  let instance: ConfiguredInstance | null = null
  for (const { words, file, line } of statementsOf(lines)) {
    const [key = '', value = '', ...rest] = words
    if (key === '}') {
      if (path.pop() === 'vrrp_instance') instance = null
    } else if (words.at(-1) === '{') {
      path.push(key)
      if (key === 'vrrp_instance') {
        instance = emptyInstance(value, file, line)
        instances.push(instance)
      }
    } else if (instance !== null) fill(instance, path.at(-1) ?? '', words, key, value, rest)
  }
  return instances
}

function emptyInstance(name: string, file: string, line: number): ConfiguredInstance {
  return {
    name,
    vrid: 0,
    interface: '',
    priority: 100,
    advertIntMs: 1000,
    nopreempt: false,
    addresses: [],
    unicastPeers: [],
    tracked: [],
    file,
    line,
  }
}

function fill(
  instance: ConfiguredInstance,
  block: string,
  words: readonly string[],
  key: string,
  value: string,
  rest: readonly string[],
): void {
  const kind = trackKinds[block]
  if (block === 'virtual_ipaddress' || block === 'virtual_ipaddress_excluded') instance.addresses.push(bareAddress(key))
  else if (block === 'unicast_peer') instance.unicastPeers.push(key)
  else if (kind !== undefined) {
    const at = words.indexOf('weight')
    instance.tracked.push({ kind, name: key, weight: at < 0 ? null : Number(words[at + 1]) })
  } else if (block !== 'vrrp_instance' || rest.length > 1) return
  else if (key === 'virtual_router_id') instance.vrid = Number(value)
  else if (key === 'interface') instance.interface = value
  else if (key === 'priority') instance.priority = Number(value)
  else if (key === 'advert_int') instance.advertIntMs = Math.round(Number(value) * 1000)
  else if (key === 'nopreempt') instance.nopreempt = true
}

/** One statement each, whatever stands on one line: `{` always ends a statement, on a line of its own too, and `}` is one. */
function statementsOf(lines: readonly ConfigLine[]): ConfigLine[] {
  const statements: ConfigLine[] = []
  for (const { words, file, line } of lines) {
    let open: ConfigLine | null = null
    for (const word of words) {
      if (word === '{') {
        const opener: ConfigLine | undefined = open ?? statements.at(-1)
        opener?.words.push(word)
        open = null
      } else if (word === '}') {
        statements.push({ words: [word], file, line })
        open = null
      } else if (open !== null) open.words.push(word)
      else {
        open = { words: [word], file, line }
        statements.push(open)
      }
    }
  }
  return statements
}
