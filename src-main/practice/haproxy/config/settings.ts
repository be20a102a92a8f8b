import type { Algorithm } from '../../../domain/balance/create-picker.ts'
import type { SocketLevel } from '../../../domain/haproxy/config-sockets.ts'
import type { OutgoingHttpHeaders } from 'node:http'
import type { HttpFacts } from '../../traffic/traffic.ts'
import type { FactsWithRate } from './condition.ts'

/** A configuration that passed every check: what a worker runs. Times are milliseconds. */
export interface RunningConfig {
  readonly global: GlobalSettings
  readonly proxies: readonly ProxySettings[]
}

export interface StatsSocket {
  readonly path: string
  readonly level: SocketLevel
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

export interface GlobalSettings {
  readonly sockets: readonly StatsSocket[]
  readonly statsTimeoutMs: number
  readonly statsMaxconn: number
  readonly maxconn: number
  readonly threads: number
  readonly uid: number
  readonly gid: number
  /** null: the machine's name */
  readonly node: string | null
  readonly hardStopAfterMs: number | null
  /** `server-state-file`, absolute */
  readonly stateFile: string | null
  readonly masterWorker: boolean
}

export interface ServerSettings {
  readonly name: string
  readonly address: string
  readonly port: number
  readonly weight: number
  readonly maxconn: number | null
  readonly backup: boolean
  readonly disabled: boolean
  readonly cookie: string | null
  readonly slowStartMs: number
  readonly cutWhenDown: boolean
  readonly rise: number
  readonly fall: number
  /** a check is configured and enabled; null: there is none */
  readonly check: {
    readonly intervalMs: number
    readonly fastIntervalMs: number | null
    readonly downIntervalMs: number | null
    readonly port: number | null
  } | null
  readonly agent: { readonly port: number; readonly intervalMs: number } | null
  readonly observe: { readonly layer: 'layer4' | 'layer7'; readonly errorLimit: number } | null
}

/** Null: the next rule decides. */
export type RequestRule = (facts: FactsWithRate) => RuleAnswer | null
export interface RuleAnswer {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  /** null: the daemon's own page */
  readonly body: string | null
}

export interface StickTable {
  readonly size: number
  readonly expireMs: number
  readonly ratePeriodMs: number | null
}

export interface HealthRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

export interface ProxySettings {
  /** `iid` */
  readonly id: number
  readonly kind: 'frontend' | 'backend' | 'listen'
  readonly name: string
  readonly mode: 'http' | 'tcp'
  readonly disabled: boolean
  readonly binds: readonly { readonly address: string; readonly port: number; readonly transparent: boolean }[]
  readonly maxconn: number
  readonly fullconn: number
  readonly logs: boolean
  readonly forwardFor: boolean
  /** `track-sc0 src`: the proxy whose table counts its requests, '' its own; null: none */
  readonly tracks: string | null
  readonly requestRules: readonly RequestRule[]
  /** edits of the request that the server gets, and of the answer that the client gets */
  readonly editRequest: readonly ((headers: OutgoingHttpHeaders, facts: FactsWithRate) => void)[]
  readonly editResponse: readonly ((headers: OutgoingHttpHeaders, facts: HttpFacts) => void)[]
  /** names of backends in the order of the rules; the last may be unconditional */
  readonly routes: readonly { readonly backend: string; readonly condition: ((facts: FactsWithRate) => boolean) | null }[]
  readonly servers: readonly ServerSettings[]
  /** the word of `balance`, as `show stat` says it */
  readonly algorithmWord: string
  readonly algorithm: Algorithm
  readonly balanceKey: ((facts: HttpFacts) => string) | null
  readonly cookie: { readonly name: string; readonly mode: 'insert' | 'prefix' } | null
  readonly table: StickTable | null
  readonly sticksOnSource: boolean
  readonly health: {
    readonly kind: 'tcp' | 'http'
    readonly request: HealthRequest
    readonly passes: (status: number) => boolean
    /** the header that `on-success` tells of; null: none */
    readonly saidBy: string | null
  }
  readonly timeouts: Readonly<Record<TimeoutName, number | null>>
  readonly retries: number
  readonly redispatch: boolean
  readonly allBackups: boolean
  readonly loadsState: boolean
}

export const timeoutNames = [
  'client', 'server', 'connect', 'check', 'queue', 'http-keep-alive', 'http-request', 'tunnel', 'tarpit', 'client-fin', 'server-fin',
] as const // prettier-ignore
export type TimeoutName = (typeof timeoutNames)[number]
