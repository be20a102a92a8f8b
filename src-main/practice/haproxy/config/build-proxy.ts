import type { Algorithm } from '../../../domain/balance/create-picker.ts'
import { settingOf, type ProxyView, type Setting } from '../../../domain/haproxy/config/view.ts'
import type { HttpFacts } from '../../traffic/traffic.ts'
import { compileFetch, type AclTable, type Condition, type FactsWithRate } from './condition.ts'
import type { CompiledRule } from './http-rules.ts'
import { headerIn } from './keywords.ts'
import { parseHostAndPort } from './server-line.ts'
import {
  timeoutNames,
  type HealthRequest,
  type ProxySettings,
  type ServerSettings,
  type StickTable,
  type TimeoutName,
} from './settings.ts'
import { parseSize, parseTime } from './time.ts'

/** What the reading of single lines already made of a proxy. */
export interface ProxyParts {
  readonly id: number
  readonly servers: readonly ServerSettings[]
  readonly acls: AclTable
  readonly rules: readonly CompiledRule[]
  readonly answerRules: readonly CompiledRule[]
  readonly routes: readonly { backend: string; condition: Condition | null }[]
}

/** A proxy whose lines are all well. `maxconn` is the process's, `fullconn` is filled in once all frontends are known. */
export function buildProxy(view: ProxyView, parts: ProxyParts, globalMaxconn: number): ProxySettings {
  const mode = settingOf(view, 'mode')?.values[0] === 'http' ? 'http' : 'tcp'
  const word = settingOf(view, 'balance')?.values[0] ?? 'roundrobin'
  const table = tableOf(settingOf(view, 'stick-table'))
  const compact = <T>(values: readonly (T | null)[]): T[] => values.filter((value): value is T => value !== null)
  return {
    id: parts.id,
    kind: view.kind,
    name: view.name,
    mode,
    disabled: settingOf(view, 'disabled') !== null && settingOf(view, 'enabled') === null,
    binds: view.binds.flatMap(({ addresses, options }) =>
      addresses.map((text) => {
        const { host, port } = parseHostAndPort(text)
        return {
          address: ['', '0.0.0.0', '::'].includes(host) ? '*' : host,
          port,
          transparent: options.includes('transparent'),
        }
      }),
    ),
    maxconn: numberOf(settingOf(view, 'maxconn')) || globalMaxconn,
    fullconn: numberOf(settingOf(view, 'fullconn')),
    logs: settingOf(view, 'log') !== null,
    forwardFor: hasOption(view, 'forwardfor'),
    tracks: parts.rules.find(({ tracks }) => tracks !== null)?.tracks ?? null,
    requestRules: compact(parts.rules.map(({ decide }) => decide)),
    editRequest: compact(parts.rules.map(({ edit }) => edit)),
    editResponse: compact(parts.answerRules.map(({ edit }) => edit)).map(
      (edit) => (headers, facts) => edit(headers, { ...facts, rates: null }),
    ),
    routes: parts.routes,
    servers: parts.servers,
    algorithmWord: word.replace(/\(.*/, ''),
    algorithm: algorithmOf(word, settingOf(view, 'hash-type')?.values[0] === 'consistent'),
    balanceKey: balanceKeyOf(word),
    cookie: mode === 'http' ? cookieOf(settingOf(view, 'cookie')) : null,
    table,
    sticksOnSource: settingOf(view, 'stick on') !== null && table !== null,
    health: healthOf(view),
    timeouts: timeoutsOf(view),
    retries: settingOf(view, 'retries') === null ? 3 : numberOf(settingOf(view, 'retries')),
    redispatch: hasOption(view, 'redispatch'),
    allBackups: hasOption(view, 'allbackups'),
    loadsState: settingOf(view, 'load-server-state-from-file')?.values[0] === 'global',
  }
}

const numberOf = (setting: Setting | null): number => Number.parseInt(setting?.values[0] ?? '', 10) || 0

/** `no option x` behind `option x` takes it back; both stand among the settings in their order. */
function hasOption(view: ProxyView, name: string): boolean {
  const on = settingOf(view, `option ${name}`)
  const off = view.settings.filter(({ keyword, values }) => keyword === 'no option' && values[0] === name).at(-1)
  if (on === null) return false
  return off === undefined || (off.inherited && !on.inherited) || (off.inherited === on.inherited && off.line < on.line)
}

function algorithmOf(word: string, consistent: boolean): Algorithm {
  const draws = /^random\((\d+)\)$/.exec(word)?.[1]
  if (word.startsWith('random')) return { kind: 'haproxy-random', draws: Number(draws ?? 2) }
  if (word === 'leastconn') return { kind: 'haproxy-leastconn' }
  if (word === 'roundrobin' || word === 'static-rr') return { kind: 'haproxy-roundrobin' }
  return { kind: consistent ? 'haproxy-consistent-hash' : 'haproxy-hash', of: word === 'source' ? 'address' : 'text' }
}

/** Static algorithms take no weights but 0% and 100% at run time, and no new servers. */
export const isStatic = ({ algorithm, algorithmWord }: ProxySettings): boolean =>
  algorithm.kind === 'haproxy-hash' || algorithmWord === 'static-rr'

function balanceKeyOf(word: string): ((facts: HttpFacts) => string) | null {
  if (word === 'uri') return ({ request }) => (request.url ?? '').split('?', 1)[0] ?? ''
  const header = /^hdr\((.+)\)$/.exec(word)?.[1]
  if (header === undefined) return null
  const fetch = compileFetch(`hdr(${header})`)
  return (facts) => fetch({ ...facts, rates: null } satisfies FactsWithRate)
}

function cookieOf(setting: Setting | null): ProxySettings['cookie'] {
  if (setting === null) return null
  return { name: setting.values[0] ?? '', mode: setting.values.includes('prefix') ? 'prefix' : 'insert' }
}

function tableOf(setting: Setting | null): StickTable | null {
  if (setting === null) return null
  const value = (name: string): string => setting.values[setting.values.indexOf(name) + 1] ?? ''
  const rate = /^http_req_rate\((\w+)\)$/.exec(setting.values.includes('store') ? value('store') : '')?.[1]
  return {
    size: parseSize(value('size')) ?? 0,
    expireMs: setting.values.includes('expire') ? (parseTime(value('expire')) ?? 0) : Infinity,
    ratePeriodMs: rate === undefined ? null : parseTime(rate),
  }
}

function healthOf(view: ProxyView): ProxySettings['health'] {
  const httpchk = settingOf(view, 'option httpchk')
  const lines = view.settings.filter(({ keyword }) => keyword.startsWith('http-check '))
  const send = lines.filter(({ keyword }) => keyword === 'http-check send').at(-1)?.values ?? []
  const sent = (name: string): string | undefined => (send.includes(name) ? send[send.indexOf(name) + 1] : undefined)
  const words = httpchk?.values ?? []
  const [method, path] = words.length === 1 ? ['OPTIONS', words[0] ?? '/'] : [words[0] ?? 'OPTIONS', words[1] ?? '/']
  const headers: Record<string, string> = {}
  for (const [at, word] of send.entries()) if (word === 'hdr') headers[send[at + 1] ?? ''] = send[at + 2] ?? ''
  const request: HealthRequest = { method: sent('meth') ?? method, path: sent('uri') ?? path, headers }
  const [, expected, , onSuccess = ''] = lines.filter(({ keyword }) => keyword === 'http-check expect').at(-1)?.values ?? []
  return {
    kind: httpchk === null ? 'tcp' : 'http',
    request,
    passes: expected === undefined ? isSuccess : isOneOf(expected),
    saidBy: headerIn(onSuccess),
  }
}

const isSuccess = (status: number): boolean => status >= 200 && status < 400

function isOneOf(expected: string): (status: number) => boolean {
  const ranges = expected.split(',').map((range) => range.split('-').map(Number))
  return (status) => ranges.some(([from = 0, to = from]) => status >= from && status <= to)
}

function timeoutsOf(view: ProxyView): Record<TimeoutName, number | null> {
  const entries = timeoutNames.map((name) => {
    const text = settingOf(view, `timeout ${name}`)?.values[0]
    return [name, text === undefined ? null : parseTime(text)] as const
  })
  return Object.fromEntries(entries) as Record<TimeoutName, number | null>
}
