import { algorithmOf } from '../../../domain/balance/algorithm-of.ts'
import { findUpstreams, type Upstream, type UpstreamServer } from '../../../domain/nginx/upstreams.ts'
import type { Machine } from '../../machine/machine.ts'
import type { FailureReason, ForwardRules, PoolSpec, ServerSpec } from '../../traffic/traffic.ts'
import { inherited, named, valueOf, type Levels } from './levels.ts'
import { ConfigError, type Statement } from './statement.ts'
import { textOf, timeOf, type Maps, type Text } from './text.ts'
import { resolveHost } from './values.ts'

export interface UpstreamSettings {
  readonly pool: PoolSpec
  /** with `zone`: the workers of a generation have its servers' state in common */
  readonly isShared: boolean
  /** `keepalive` */
  readonly keptConnections: number
  /** what `hash` hashes; null: the client's address */
  readonly key: Text | null
}

/** The `upstream` blocks of one context, by name. */
export function readUpstreams(context: Statement, machine: Machine, maps: Maps): Map<string, UpstreamSettings> {
  return new Map(
    findUpstreams([context]).map((found) => {
      const block = named(context.block ?? [], 'upstream').find(({ args }) => args[0] === found.name)?.block ?? []
      const [hash] = named(block, 'hash')
      const key = hash === undefined ? null : textOf(hash.args[0] ?? '', maps)
      const keptConnections = Number(valueOf([block], 'keepalive') ?? 0)
      return [found.name, { pool: poolOf(found, machine), isShared: named(block, 'zone').length > 0, keptConnections, key }]
    }),
  )
}

/** What a `proxy_pass` to an address makes: an upstream of one server that always counts as well. */
export function upstreamOf(host: string, place: Statement, context: Upstream['context'], machine: Machine): UpstreamSettings {
  const server: Statement = { ...place, name: 'server', args: [host], block: null }
  const upstream: Statement = { ...place, name: 'upstream', args: [host], block: [server] }
  const [found] = findUpstreams([{ ...place, name: context, args: [], block: [upstream] }])
  if (found === undefined) throw new ConfigError(`no host in upstream "${host}"`, place)
  return { pool: poolOf(found, machine), isShared: false, keptConnections: 0, key: null }
}

function poolOf({ name, algorithm, servers, context }: Upstream, machine: Machine): PoolSpec {
  const kind = algorithmOf('nginx', algorithm)
  if (kind === null) throw new ConfigError(`a practice nginx cannot balance by "${algorithm}"`)
  const isAlone = servers.length === 1
  return {
    name,
    algorithm: kind,
    servers: servers.map((server, at) => serverOf(server, machine, { isAlone, id: idOf(servers, at), context })),
    backups: 'all',
    persistence: null,
    queueTimeoutMs: 0,
    maxSessions: null,
    ...{ connectTimeoutMs: 60_000, retries: 0, redispatch: 'always', retryOn: [], keptConnections: 0 },
  }
}

/** An address may stand in an upstream more than once. */
function idOf(servers: readonly UpstreamServer[], at: number): string {
  const address = servers[at]?.address ?? ''
  const before = servers.slice(0, at).filter((other) => other.address === address).length
  return before === 0 ? address : `${address}#${before + 1}`
}

function serverOf(
  { address, weight, maxConns, maxFails, failTimeoutS, backup, down }: UpstreamServer,
  machine: Machine,
  { isAlone, id, context }: { isAlone: boolean; id: string; context: Upstream['context'] },
): ServerSpec {
  const [, host = address, port] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(address) ?? []
  const failTimeoutMs = failTimeoutS * 1000
  return {
    id,
    address: resolveHost(machine, host) ?? host,
    port: Number(port ?? 0),
    weight,
    admin: down ? 'maint' : 'ready',
    backup,
    maxSessions: maxConns,
    check: null,
    // The only one of an upstream is always tried.
    passive:
      maxFails === 0 || isAlone
        ? null
        : {
            windowMs: failTimeoutMs,
            coolDownMs: failTimeoutMs,
            ejects: (failed) => failed >= maxFails,
            failedStatus: () => false,
          },
    ...{ warmUpPasses: 0, slowStartMs: 0, cookie: null },
    hashedBy: context === 'http' ? address.replace(/:80$/, '') : address,
  }
}

/** What a place that proxies wants of its upstream. */
export function forwardRules(levels: Levels, upstream: UpstreamSettings, context: Upstream['context']): ForwardRules {
  const words = inherited(levels, 'proxy_next_upstream')[0]?.args ?? (context === 'http' ? ['error', 'timeout'] : ['on'])
  const retryOn = words.flatMap((word): (FailureReason | number)[] => {
    if (word === 'error') return ['connect', 'response']
    if (word === 'timeout') return ['connect-timeout', 'response-timeout']
    if (word === 'on') return ['connect', 'connect-timeout']
    const [, status] = /^http_(\d+)$/.exec(word) ?? []
    return status === undefined ? [] : [Number(status)]
  })
  const usable = upstream.pool.servers.filter(({ admin }) => admin === 'ready').length
  const tries = Number(valueOf(levels, 'proxy_next_upstream_tries') ?? 0)
  return {
    connectTimeoutMs: timeOf(valueOf(levels, 'proxy_connect_timeout'), 60_000),
    retries: Math.max(0, (tries === 0 ? usable : Math.min(tries, usable)) - 1),
    redispatch: 'always',
    retryOn,
    keptConnections: upstream.keptConnections,
  }
}
