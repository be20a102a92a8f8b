import type { Machine } from '../../machine/machine.ts'
import type { ForwardRules } from '../../traffic/traffic.ts'
import { inherited, named, valueOf, type Levels } from './levels.ts'
import { listenFrom, type Listen } from './listen.ts'
import { accessLogsOf, errorLogsOf, readLogFormats, type AccessLog, type LogTarget } from './log-settings.ts'
import { ConfigError, type Statement } from './statement.ts'
import { patternOf, readMaps, textOf, timeOf, type Maps, type Text } from './text.ts'
import { forwardRules, readUpstreams, upstreamOf, type UpstreamSettings } from './upstream-settings.ts'
import { networkFrom } from './values.ts'

export interface HttpSettings {
  readonly upstreams: ReadonlyMap<string, UpstreamSettings>
  readonly listens: readonly HttpListen[]
  readonly zones: ReadonlyMap<string, LimitZone>
  /** also those that no server uses */
  readonly logs: readonly (LogTarget | AccessLog)[]
}

/** An address and the servers that share it. */
export interface HttpListen extends Pick<Listen, 'address' | 'port'> {
  readonly servers: readonly ServerSettings[]
  /** for names that nobody has */
  readonly fallback: ServerSettings
}

export interface ServerSettings extends PlaceSettings {
  /** the first of `server_name` */
  readonly name: string
  readonly names: readonly string[]
  readonly locations: readonly LocationSettings[]
  readonly keepAliveMs: number
  readonly headerTimeoutMs: number
}

export interface LocationSettings extends PlaceSettings {
  readonly match: '=' | '^~' | '' | '@' | RegExp
  readonly path: string
  readonly inside: readonly LocationSettings[]
}

/** What is done with a request at a place: a server, or a location of it. */
export interface PlaceSettings {
  readonly returns: { readonly status: number; readonly text: Text | null } | null
  readonly limits: readonly { readonly zone: string; readonly burst: number; readonly nodelay: boolean }[]
  readonly limitStatus: number
  /** the first that fits decides; no rule: everybody */
  readonly access: readonly { readonly allows: boolean; readonly fits: (address: string) => boolean }[]
  readonly content: Content
  readonly setHeaders: readonly (readonly [name: string, value: Text])[]
  readonly addHeaders: readonly { readonly name: string; readonly value: Text; readonly always: boolean }[]
  readonly readTimeoutMs: number
  readonly defaultType: string
  /** `nginx/1.22.1` */
  readonly signature: string
  readonly errorLogs: readonly LogTarget[]
  readonly accessLogs: readonly AccessLog[]
}

export type Content =
  | { readonly kind: 'files' }
  | { readonly kind: 'status' }
  /** `uri` takes the place of the location's own path; null: the request goes on as it came */
  | {
      readonly kind: 'proxy'
      readonly host: string
      readonly uri: string | null
      readonly upstream: string
      readonly rules: ForwardRules
    }

export interface LimitZone {
  readonly name: string
  /** as written: a zone lives over reloads while this stays */
  readonly writtenKey: string
  readonly key: Text
  readonly perSecond: number
}

interface Building {
  readonly machine: Machine
  readonly prefix: string
  readonly maps: Maps
  readonly formats: ReadonlyMap<string, Text>
  readonly upstreams: Map<string, UpstreamSettings>
  readonly zones: ReadonlyMap<string, LimitZone>
}

/** Throws ConfigError for what only shows when everything is known: variables, zones, log formats. */
export function readHttp(http: Statement, around: Levels, machine: Machine, prefix: string): HttpSettings {
  const block = http.block ?? []
  const maps = readMaps(named(block, 'map'))
  const building: Building = {
    ...{ machine, prefix, maps },
    formats: readLogFormats(named(block, 'log_format'), maps),
    upstreams: readUpstreams(http, machine, maps),
    zones: new Map(named(block, 'limit_req_zone').map((each) => readZone(each, maps))),
  }
  const listens = new Map<string, { address: string; port: number; servers: ServerSettings[]; fallback?: ServerSettings }>()
  for (const statement of named(block, 'server')) {
    const server = readServer(statement, [block, ...around], building)
    const own = named(statement.block ?? [], 'listen')
    for (const { args } of own.length === 0 ? [{ args: ['80'] }] : own) {
      const at = listenFrom(args[0] ?? '', machine)
      if (typeof at === 'string') continue
      const key = `${at.address}:${at.port}`
      const listen = listens.get(key) ?? { address: at.address, port: at.port, servers: [] }
      listen.servers.push(server)
      if (args.includes('default_server') || args.includes('default')) listen.fallback = server
      listens.set(key, listen)
    }
  }
  const complete = [...listens.values()].flatMap((listen): HttpListen[] => {
    const fallback = listen.fallback ?? listen.servers[0]
    return fallback === undefined ? [] : [{ ...listen, fallback }]
  })
  return {
    ...{ upstreams: building.upstreams, listens: complete, zones: building.zones },
    logs: [...errorLogsOf([block, ...around], prefix), ...accessLogsOf([block, ...around], prefix, building.formats)],
  }
}

function readServer({ block }: Statement, around: Levels, building: Building): ServerSettings {
  const levels = [block ?? [], ...around]
  const names = named(block ?? [], 'server_name').flatMap(({ args }) => args.map((name) => name.toLowerCase()))
  return {
    ...readPlace(levels, building),
    names,
    name: names[0] ?? '',
    locations: named(block ?? [], 'location').map((location) => readLocation(location, levels, building)),
    keepAliveMs: timeOf(valueOf(levels, 'keepalive_timeout'), 75_000),
    headerTimeoutMs: timeOf(valueOf(levels, 'client_header_timeout'), 60_000),
  }
}

function readLocation({ args, block }: Statement, around: Levels, building: Building): LocationSettings {
  const levels = [block ?? [], ...around]
  const [first = '', second] = args
  const path = second ?? first
  const modifier = second === undefined ? (first.startsWith('@') ? '@' : '') : first
  const isPattern = modifier === '~' || modifier === '~*'
  return {
    ...readPlace(levels, building),
    match: isPattern ? patternOf(modifier + path) : (modifier as '=' | '^~' | '' | '@'),
    path,
    inside: named(block ?? [], 'location').map((location) => readLocation(location, levels, building)),
  }
}

function readPlace(levels: Levels, building: Building): PlaceSettings {
  const { prefix, maps, formats } = building
  const own = levels[0] ?? []
  const [returned] = named(own, 'return')
  return {
    returns: returned === undefined ? null : readReturn(returned, maps),
    limits: inherited(levels, 'limit_req').map(({ args }) => readLimit(args)),
    limitStatus: Number(valueOf(levels, 'limit_req_status') ?? 503),
    access: accessRules(levels),
    content: readContent(levels, building),
    setHeaders: proxyHeaders(levels, maps),
    addHeaders: inherited(levels, 'add_header').map(({ args: [name = '', value = '', always] }) => ({
      ...{ name: name.toLowerCase(), value: textOf(value, maps), always: always === 'always' },
    })),
    readTimeoutMs: timeOf(valueOf(levels, 'proxy_read_timeout'), 60_000),
    defaultType: valueOf(levels, 'default_type') ?? 'text/plain',
    signature: valueOf(levels, 'server_tokens') === 'off' ? 'nginx' : 'nginx/1.22.1',
    errorLogs: errorLogsOf(levels, prefix),
    accessLogs: accessLogsOf(levels, prefix, formats),
  }
}

function readReturn({ args: [first = '', second] }: Statement, maps: Maps): PlaceSettings['returns'] {
  if (!/^\d+$/.test(first)) return { status: 302, text: textOf(first, maps) }
  return { status: Number(first), text: second === undefined ? null : textOf(second, maps) }
}

function readLimit(args: readonly string[]): PlaceSettings['limits'][number] {
  const value = (name: string): string | undefined => args.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1)
  return { zone: value('zone') ?? '', burst: Number(value('burst') ?? 0), nodelay: args.includes('nodelay') }
}

function readZone({ args: [writtenKey = '', ...rest] }: Statement, maps: Maps): [string, LimitZone] {
  const [, name = ''] = /(?:^| )zone=([^:]+):/.exec(rest.join(' ')) ?? []
  const [, amount = '1', unit] = /(?:^| )rate=(\d+)r\/([sm])/.exec(rest.join(' ')) ?? []
  const perSecond = Number(amount) / (unit === 'm' ? 60 : 1)
  return [name, { name, writtenKey, key: textOf(writtenKey, maps), perSecond }]
}

function accessRules(levels: Levels): PlaceSettings['access'] {
  const level = levels.find((each) => each.some(({ name }) => name === 'allow' || name === 'deny')) ?? []
  return level.flatMap(({ name, args: [network = ''] }) => {
    if (name !== 'allow' && name !== 'deny') return []
    const list = network === 'all' ? null : networkFrom(network)
    return [{ allows: name === 'allow', fits: (address: string) => list === null || list.check(address) }]
  })
}

/** What nginx sends unless it is told otherwise; the other side's own headers of one connection never go on. */
const ownHeaders = [
  ['host', '$proxy_host'],
  ['connection', 'close'],
] as const

function proxyHeaders(levels: Levels, maps: Maps): PlaceSettings['setHeaders'] {
  const set = inherited(levels, 'proxy_set_header').map(
    ({ args: [name = '', value = ''] }) => [name.toLowerCase(), value] as const,
  )
  const missing = ownHeaders.filter(([name]) => !set.some(([other]) => other === name))
  return [...missing, ...set].map(([name, value]) => [name, textOf(value, maps)] as const)
}

function readContent(levels: Levels, { machine, maps, upstreams }: Building): Content {
  const own = levels[0] ?? []
  const [proxy] = named(own, 'proxy_pass')
  if (named(own, 'stub_status').length > 0) return { kind: 'status' }
  if (proxy === undefined) return { kind: 'files' }
  const written = proxy.args[0] ?? ''
  if (written.includes('$')) {
    textOf(written, maps)
    throw new ConfigError(`"proxy_pass" to "${written}": a practice nginx proxies to fixed names only`, proxy)
  }
  const [, host = '', uri] = /^http:\/\/([^/]*)(\/.*)?$/.exec(written) ?? []
  const upstream = upstreams.get(host) ?? upstreamOf(host, proxy, 'http', machine)
  upstreams.set(host, upstream)
  return { kind: 'proxy', host, uri: uri ?? null, upstream: host, rules: forwardRules(levels, upstream, 'http') }
}
