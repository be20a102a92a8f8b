/*
 * What ssh_config(5) says about a host, as `ssh -G` of OpenSSH 9.2 would compute it, for the directives that matter here.
 *
 * Never run: `Match exec`, `KnownHostsCommand`, `ProxyCommand`. A `Match exec` (or any criterion that cannot be evaluated) does not
 * match and is reported in `notes`; a ProxyCommand that would apply is an error. `StrictHostKeyChecking` is read by nobody: keys are
 * always checked.
 */
import { hostname as localHostName, userInfo } from 'node:os'
import path from 'node:path'
import type { SshConfigHost } from '#contract'
import type { SshConfigReader } from '../../app/ports/ssh.ts'
import { matchesPattern } from './known-hosts.ts'
import { type ConfigLine, type ConfigRoot, expandHome, invalid, readConfigLines } from './ssh-config-lines.ts'
import type { ReadText } from './text-file.ts'

export interface ConfigPlaces {
  home: string
  readFile: ReadText
  env: NodeJS.ProcessEnv
  /** default: `~/.ssh/config`, then `/etc/ssh/ssh_config` */
  roots?: readonly ConfigRoot[]
  /** the account this console runs as; default: the operating system's answer */
  localUser?: string
}

/** Everything known about one host name before anything is dialled. */
export interface HostConfig {
  hostName: string
  port: number
  user: string
  /** absolute, in the order to try; null: nothing configured, use the defaults */
  identityFiles: string[] | null
  identitiesOnly: boolean
  /** null: no agent */
  agentSocket: string | null
  /** as written; null: none */
  proxyJump: string | null
  /** the first UserKnownHostsFile that is configured, absolute; null: the default ones */
  knownHostsFile: string | null
  /** look the host key up under this name instead */
  hostKeyAlias: string | null
  /** things in the file that were left out, each a whole sentence */
  notes: string[]
}

export interface SshConfig {
  lines: ConfigLine[]
  hostConfig(name: string, given: { user?: string | undefined; port?: number | undefined }): HostConfig
}

export async function loadSshConfig(places: ConfigPlaces): Promise<SshConfig> {
  const roots = places.roots ?? [
    { file: path.join(places.home, '.ssh', 'config'), includeDir: path.join(places.home, '.ssh') },
    { file: '/etc/ssh/ssh_config', includeDir: '/etc/ssh' },
  ]
  const lines = (await Promise.all(roots.map((root) => readConfigLines(root, places)))).flat()
  return { lines, hostConfig: (name, given) => computeHost(lines, places, name, given) }
}

function computeHost(
  lines: readonly ConfigLine[],
  places: ConfigPlaces,
  name: string,
  given: { user?: string | undefined; port?: number | undefined },
): HostConfig {
  const localUser = places.localUser ?? userInfo().username
  const first = new Map<string, ConfigLine>()
  const identityFiles: ConfigLine[] = []
  const notes: string[] = []
  const decided = new Map<ConfigLine, boolean>()
  const textOf = (keyword: string): string | null => first.get(keyword)?.words[0] ?? null
  const hostNameNow = (): string => expandTokens(textOf('hostname') ?? name, { h: name }, places, 'HostName')

  const holds = (section: ConfigLine): boolean => {
    const known = decided.get(section)
    if (known !== undefined) return known
    const facts = { original: name, host: hostNameNow(), user: given.user ?? textOf('user') ?? localUser, localUser }
    const verdict =
      section.conditions.every(holds) &&
      (section.keyword === 'host' ? matchesList(section.words, name) : matchHolds(section, facts, notes))
    decided.set(section, verdict)
    return verdict
  }

  for (const line of lines) {
    // A section is judged where it stands in the file: `Match host` and `Match user` see the values found so far.
    if (line.keyword === 'host' || line.keyword === 'match') holds(line)
    else if (!line.conditions.every(holds)) continue
    else if (line.keyword === 'identityfile') identityFiles.push(line)
    // ProxyJump and ProxyCommand shut each other out: the first of the two counts (ssh_config(5))
    else if (line.keyword === 'proxyjump' && first.has('proxycommand')) continue
    else if (line.keyword === 'proxycommand' && first.has('proxyjump')) continue
    else if (!first.has(line.keyword)) first.set(line.keyword, line)
  }

  const command = first.get('proxycommand')
  if (command !== undefined && command.words[0]?.toLowerCase() !== 'none') {
    throw invalid(
      command.source,
      'ProxyCommand is not supported; use ProxyJump for this host, or set "proxyJump: none" on the node',
    )
  }
  const hostName = hostNameNow()
  const port = given.port ?? portFrom(first.get('port')) ?? 22
  const user = given.user ?? textOf('user') ?? localUser
  const tokens = { h: hostName, n: name, p: String(port), r: user, u: localUser, k: textOf('hostkeyalias') ?? name }
  const fileFrom = (text: string, keyword: string): string =>
    path.resolve(places.home, expandHome(expandTokens(text, tokens, places, keyword), places.home))
  const files = identityFiles.map((line) => line.words[0] ?? '').filter((file) => file.toLowerCase() !== 'none')
  const jump = textOf('proxyjump')
  const knownHosts = first.get('userknownhostsfile')?.words[0] ?? null

  return {
    hostName,
    port,
    user,
    identityFiles: identityFiles.length === 0 ? null : [...new Set(files.map((file) => fileFrom(file, 'IdentityFile')))],
    identitiesOnly: textOf('identitiesonly')?.toLowerCase() === 'yes',
    agentSocket: agentSocketFrom(textOf('identityagent'), places, (text) => fileFrom(text, 'IdentityAgent')),
    proxyJump: jump === null || jump.toLowerCase() === 'none' ? null : expandTokens(jump, tokens, places, 'ProxyJump'),
    knownHostsFile: knownHosts === null || knownHosts === 'none' ? null : fileFrom(knownHosts, 'UserKnownHostsFile'),
    hostKeyAlias: textOf('hostkeyalias'),
    notes,
  }
}

function portFrom(line: ConfigLine | undefined): number | null {
  if (line === undefined) return null
  const port = Number(line.words[0])
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw invalid(line.source, `"${line.words[0]}" is not a port`)
  return port
}

function agentSocketFrom(setting: string | null, places: ConfigPlaces, fileFrom: (text: string) => string): string | null {
  if (setting === null || setting === 'SSH_AUTH_SOCK') return places.env['SSH_AUTH_SOCK'] ?? null
  if (setting.toLowerCase() === 'none') return null
  if (/^\$[A-Za-z_]\w*$/.test(setting)) return places.env[setting.slice(1)] ?? null
  return fileFrom(setting)
}

/** A pattern list: any pattern may match, and a negated one that matches rules all out. */
function matchesList(patterns: readonly string[], text: string): boolean {
  if (patterns.some((pattern) => pattern.startsWith('!') && matchesPattern(pattern.slice(1), text))) return false
  return patterns.some((pattern) => !pattern.startsWith('!') && matchesPattern(pattern, text))
}

interface MatchFacts {
  original: string
  host: string
  user: string
  localUser: string
}

function matchHolds(line: ConfigLine, facts: MatchFacts, notes: string[]): boolean {
  const words = line.words.flatMap((word) => /^(!?[a-z]+)=(.*)$/i.exec(word)?.slice(1) ?? [word])
  let result = true
  for (let at = 0; at < words.length; at += 1) {
    const word = (words[at] ?? '').toLowerCase()
    const negated = word.startsWith('!')
    const criterion = negated ? word.slice(1) : word
    if (criterion === 'all') {
      result &&= !negated
      continue
    }
    const subject = subjectOf(criterion, facts)
    if (subject === null) {
      const why =
        criterion === 'exec' ? 'commands from the configuration are never run' : `the criterion "${criterion}" is not supported`
      notes.push(`The Match block at ${line.source} was left out: ${why}.`)
      return false
    }
    at += 1
    const patterns = words[at]
    if (patterns === undefined) throw invalid(line.source, `Match ${criterion} has no value`)
    result &&= matchesList(patterns.split(','), subject) !== negated
  }
  return result
}

function subjectOf(criterion: string, facts: MatchFacts): string | null {
  switch (criterion) {
    case 'host':
      return facts.host
    case 'originalhost':
      return facts.original
    case 'user':
      return facts.user
    case 'localuser':
      return facts.localUser
    default:
      return null
  }
}

/** `%x` tokens and `${NAME}` of ssh_config(5) TOKENS. Throws `ssh.config-invalid` for a token that cannot be known. */
function expandTokens(text: string, tokens: Record<string, string>, places: ConfigPlaces, keyword: string): string {
  const all: Record<string, string> = {
    d: places.home,
    l: localHostName(),
    L: localHostName().split('.')[0] ?? '',
    '%': '%',
    ...tokens,
  }
  return text.replace(/%(.)|\$\{([^}]*)\}/g, (whole, token: string | undefined, variable: string | undefined) => {
    const value = token === undefined ? places.env[variable ?? ''] : all[token]
    if (value === undefined) throw invalid(keyword, `"${whole}" in "${text}" cannot be expanded`)
    return value
  })
}

/** The concrete Host aliases of the user's own file (and what it includes), for the add-from-config door. */
export function createSshConfigReader(places: ConfigPlaces): SshConfigReader {
  return {
    async hosts() {
      const config = await loadSshConfig(places)
      const sources = new Map<string, string>()
      for (const line of config.lines) {
        if (line.keyword !== 'host') continue
        for (const alias of line.words) {
          if (!/[*?!]/.test(alias) && !sources.has(alias)) sources.set(alias, line.source)
        }
      }
      return [...sources].map(([alias, source]) => hostEntry(config, alias, source))
    },
  }
}

function hostEntry(config: SshConfig, alias: string, source: string): Omit<SshConfigHost, 'alreadyAdded'> {
  const host = config.hostConfig(alias, {})
  return {
    alias,
    hostName: host.hostName,
    user: host.user,
    port: host.port,
    proxyJump: host.proxyJump,
    identityFiles: host.identityFiles ?? [],
    source,
  }
}
