import { canonicalAddress } from '../net/ip-address.ts'
import type { Directive } from './parse-config.ts'

/** One `server` line of an upstream block. Times and sizes as nginx would read them; absent = nginx's default. */
export interface UpstreamServer {
  /** as shown: `198.18.0.21:8000`, `[2001:db8::1]:80`, `name:port`, `unix:/path` */
  address: string
  /** what connections can be counted by; null for host names (nginx resolved them once, at load) and unix sockets */
  endpoint: { address: string; port: number } | null
  weight: number
  /** 0 in nginx = no limit = null here */
  maxConns: number | null
  maxFails: number
  failTimeoutS: number
  backup: boolean
  /** takes no new work: `down`, or `drain` (with `sticky`, 1.29.6 and newer), which lets sessions that stick to it go on */
  down: boolean
  /** `resolve`: commercial before 1.27.3, names are looked up again while running */
  resolve: boolean
  file: string
  line: number
}

/** `upstream` blocks of `http` and of `stream` are different pools even when they bear the same name. */
export interface Upstream {
  context: 'http' | 'stream'
  name: string
  /** the balancing directive as written, e.g. `least_conn`, `hash $request_uri consistent`; `round robin` when there is none */
  algorithm: string
  servers: UpstreamServer[]
  file: string
  line: number
}

const algorithms = new Set(['least_conn', 'ip_hash', 'hash', 'random', 'least_time', 'sticky'])

export function findUpstreams(directives: readonly Directive[]): Upstream[] {
  return directives.flatMap((context) =>
    context.name === 'http' || context.name === 'stream'
      ? (context.block ?? []).flatMap((directive) =>
          directive.name === 'upstream' && directive.block !== null
            ? [upstreamFrom(context.name === 'http' ? 'http' : 'stream', directive, directive.block)]
            : [],
        )
      : [],
  )
}

function upstreamFrom(context: 'http' | 'stream', directive: Directive, block: readonly Directive[]): Upstream {
  const balancing = block.filter((entry) => algorithms.has(entry.name))
  return {
    context,
    name: directive.args[0] ?? '',
    algorithm: balancing.map((entry) => [entry.name, ...entry.args].join(' ')).join(', ') || 'round robin',
    servers: block.filter((entry) => entry.name === 'server').map((entry) => serverFrom(entry)),
    file: directive.file,
    line: directive.line,
  }
}

function serverFrom(directive: Directive): UpstreamServer {
  const [written = '', ...parameters] = directive.args
  const flags = new Set(parameters)
  const value = (name: string): string | null =>
    parameters.find((parameter) => parameter.startsWith(`${name}=`))?.slice(name.length + 1) ?? null
  const maxConns = Number(value('max_conns') ?? 0)
  return {
    ...addressFrom(written),
    weight: Number(value('weight') ?? 1),
    maxConns: maxConns === 0 ? null : maxConns,
    maxFails: Number(value('max_fails') ?? 1),
    failTimeoutS: secondsFrom(value('fail_timeout') ?? '10s') ?? 10,
    backup: flags.has('backup'),
    down: flags.has('down') || flags.has('drain'),
    resolve: flags.has('resolve'),
    file: directive.file,
    line: directive.line,
  }
}

/** How a member is named, from the first argument of its `server` line. */
export const shownAddress = (written: string): string => addressFrom(written).address

/** `host[:port]`, port 80 when left out (ngx_http_upstream_module; a stream server always names its port). */
function addressFrom(written: string): Pick<UpstreamServer, 'address' | 'endpoint'> {
  if (written.startsWith('unix:')) return { address: written, endpoint: null }
  const split = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(written)
  if (split === null) return { address: written, endpoint: null }
  const host = split[1] ?? ''
  const port = Number(split[2] ?? 80)
  const address = canonicalAddress(host)
  return { address: `${host}:${port}`, endpoint: address === null ? null : { address, port } }
}

const unitSeconds: Record<string, number> = {
  ms: 0.001,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
  M: 2_592_000,
  y: 31_536_000,
}

/** nginx time, e.g. `10`, `10s`, `1h30m`; null when it is none. */
export function secondsFrom(text: string): number | null {
  if (!/^(\d+(ms|[smhdwMy])? ?)+$/.test(text)) return null
  return [...text.matchAll(/(\d+)(ms|[smhdwMy])?/g)].reduce(
    (total, [, amount, unit]) => total + Number(amount) * (unitSeconds[unit ?? 's'] ?? 1),
    0,
  )
}
