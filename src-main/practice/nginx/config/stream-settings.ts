import type { Machine } from '../../machine/machine.ts'
import type { ForwardRules } from '../../traffic/traffic.ts'
import { named, valueOf, type Levels } from './levels.ts'
import { listenFrom } from './listen.ts'
import { errorLogsOf, type LogTarget } from './log-settings.ts'
import type { Statement } from './statement.ts'
import { timeOf } from './text.ts'
import { forwardRules, readUpstreams, upstreamOf, type UpstreamSettings } from './upstream-settings.ts'

export interface StreamSettings {
  readonly upstreams: ReadonlyMap<string, UpstreamSettings>
  readonly listens: readonly StreamListen[]
}

export interface StreamListen {
  readonly address: string
  readonly port: number
  readonly upstream: string
  readonly rules: ForwardRules
  readonly idleTimeoutMs: number
  readonly errorLogs: readonly LogTarget[]
}

export function readStream(stream: Statement, around: Levels, machine: Machine, prefix: string): StreamSettings {
  const block = stream.block ?? []
  const upstreams = readUpstreams(stream, machine, new Map())
  const listens = named(block, 'server').flatMap((server) => {
    const levels = [server.block ?? [], block, ...around]
    const [proxy] = named(server.block ?? [], 'proxy_pass')
    const name = proxy?.args[0] ?? ''
    const upstream = upstreams.get(name) ?? upstreamOf(name, proxy ?? server, 'stream', machine)
    upstreams.set(name, upstream)
    return named(server.block ?? [], 'listen').flatMap(({ args }): StreamListen[] => {
      const at = listenFrom(args[0] ?? '', machine)
      if (typeof at === 'string') return []
      return [
        {
          ...{ address: at.address, port: at.port, upstream: name },
          rules: forwardRules(levels, upstream, 'stream'),
          idleTimeoutMs: timeOf(valueOf(levels, 'proxy_timeout'), 600_000),
          errorLogs: errorLogsOf(levels, prefix),
        },
      ]
    })
  })
  return { upstreams, listens }
}
