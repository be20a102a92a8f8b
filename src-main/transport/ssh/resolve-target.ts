import path from 'node:path'
import type { SshTarget } from '#contract'
import { AppError } from '../../app/app-error.ts'
import { type ConfigPlaces, type HostConfig, loadSshConfig, type SshConfig } from './ssh-config.ts'
import { expandHome } from './ssh-config-lines.ts'

/** One SSH server on the way to a node, in dialling order; the last one is the node. */
export interface Hop {
  host: string
  port: number
  user: string
  /** absolute, in the order to try; null: OpenSSH's default files */
  identityFiles: string[] | null
  identitiesOnly: boolean
  agentSocket: string | null
  /** null: every kind that is possible */
  auth: 'agent' | 'key' | 'password' | null
  /** the name and port its key is kept under */
  keyHost: string
  keyPort: number
  knownHostsFile: string | null
  isNode: boolean
}

export interface ResolvedTarget {
  hops: Hop[]
  /** what was left out of the configuration, each a whole sentence */
  notes: string[]
}

const maxHops = 8

/**
 * What the node's settings, `~/.ssh/config` and OpenSSH's defaults say together, in this order.
 * Only the first jump host's own ProxyJump is followed, as `ssh -J` does. Throws `ssh.config-invalid`.
 */
export async function resolveTarget(target: SshTarget, places: ConfigPlaces): Promise<ResolvedTarget> {
  const config = await loadSshConfig(places)
  const own = config.hostConfig(target.host, { user: target.user, port: target.port })
  const node = hopFrom(own, { isNode: true, auth: target.auth ?? null })
  if (target.identityFile !== undefined)
    node.identityFiles = [path.resolve(places.home, expandHome(target.identityFile, places.home))]
  if (target.knownHostsFile !== undefined) {
    node.knownHostsFile = path.resolve(places.home, expandHome(target.knownHostsFile, places.home))
  }
  const jump = target.proxyJump ?? own.proxyJump
  const jumps = jump === null || jump.toLowerCase() === 'none' ? { hops: [], notes: [] } : jumpHops(jump, config, target.host)
  for (const hop of jumps.hops) hop.knownHostsFile ??= node.knownHostsFile
  return { hops: [...jumps.hops, node], notes: [...jumps.notes, ...own.notes] }
}

function jumpHops(jump: string, config: SshConfig, host: string): ResolvedTarget {
  const hops: Hop[] = []
  const notes: string[] = []
  let spec: string | null = jump
  for (let round = 0; spec !== null; round += 1) {
    const found: HostConfig[] = spec.split(',').map((text) => {
      const { name, user, port } = jumpFrom(text.trim(), jump)
      return config.hostConfig(name, { user, port })
    })
    hops.unshift(...found.map((each) => hopFrom(each, { isNode: false, auth: null })))
    notes.unshift(...found.flatMap((each) => each.notes))
    if (hops.length > maxHops || round > maxHops) {
      const message = `The jump hosts of ${host} lead through more than ${maxHops} hosts; look for a ProxyJump in ~/.ssh/config that leads back to itself.`
      throw new AppError('ssh.config-invalid', message, { details: { proxyJump: jump } })
    }
    spec = found[0]?.proxyJump ?? null
  }
  return { hops, notes }
}

/** `[user@]host[:port]`, `[user@][v6]:port` or an `ssh://` URI. */
function jumpFrom(text: string, whole: string): { name: string; user: string | undefined; port: number | undefined } {
  const match = /^(?:ssh:\/\/)?(?:(?<user>[^@]+)@)?(?:\[(?<v6>[^\]]+)\]|(?<name>[^:@/[\]\s]+))(?::(?<port>\d{1,5}))?\/?$/.exec(
    text,
  )
  const name = match?.groups?.['v6'] ?? match?.groups?.['name']
  const port = match?.groups?.['port'] === undefined ? undefined : Number(match.groups['port'])
  if (name === undefined || (port !== undefined && (port < 1 || port > 65_535))) {
    const message = `"${text}" is not a jump host; write [user@]host[:port], several of them separated by commas.`
    throw new AppError('ssh.config-invalid', message, { details: { proxyJump: whole } })
  }
  return { name, user: match?.groups?.['user'], port }
}

function hopFrom(host: HostConfig, role: Pick<Hop, 'isNode' | 'auth'>): Hop {
  return {
    host: host.hostName,
    port: host.port,
    user: host.user,
    identityFiles: host.identityFiles,
    identitiesOnly: host.identitiesOnly,
    agentSocket: host.agentSocket,
    keyHost: host.hostKeyAlias ?? host.hostName,
    keyPort: host.hostKeyAlias === null ? host.port : 22,
    knownHostsFile: host.knownHostsFile,
    ...role,
  }
}

/** `user@host:port`, for messages. */
export function labelOf(hop: Pick<Hop, 'user' | 'host' | 'port'>): string {
  return `${hop.user}@${hop.host.includes(':') ? `[${hop.host}]` : hop.host}:${hop.port}`
}
