import type { HttpAnswer, HttpFacts, HttpServiceSpec, Service, AccessEntry, Engine } from '../../traffic/traffic.ts'
import { addForwarded } from '../../traffic/layer7/headers.ts'
import type { FactsWithRate } from '../config/condition.ts'
import type { ProxySettings } from '../config/settings.ts'
import type { Backend } from './backend.ts'
import type { RateTable } from './rate-table.ts'
import { errorAnswer } from './error-pages.ts'

export interface Frontend {
  readonly proxy: ProxySettings
  readonly service: Service
  maxconn: number
  /** `disable frontend` */
  paused: boolean
}

interface FrontendContext {
  readonly engine: Engine
  readonly backends: ReadonlyMap<string, Backend>
  /** by the name of the proxy that declares it */
  readonly tables: ReadonlyMap<string, RateTable>
  readonly log: (proxy: ProxySettings, entry: AccessEntry) => void
}

const noServer: HttpAnswer = { status: 503, body: null, headers: {} }
/** time limits that are not set never end a session; a day is as good */
const dayMs = 86_400_000

/** Null: a TCP frontend that leads nowhere. */
export function createFrontend(proxy: ProxySettings, { engine, backends, tables, log }: FrontendContext): Frontend | null {
  const { timeouts } = proxy
  const common = {
    name: proxy.name,
    // the limit can change at run time, which the engine's cannot
    maxSessions: null,
    log: proxy.logs ? (entry: AccessEntry) => log(proxy, entry) : null,
  }
  const own = proxy.kind === 'listen' ? (backends.get(proxy.name) ?? null) : null
  const finish = (service: Service): Frontend => ({ proxy, service, maxconn: proxy.maxconn, paused: false })

  if (proxy.mode === 'tcp') {
    const target = proxy.routes.find(({ condition }) => condition === null)
    const backend = target === undefined ? own : (backends.get(target.backend) ?? null)
    if (backend === null) return null
    const idleTimeoutMs = timeouts.tunnel ?? Math.min(timeouts.client ?? dayMs, backend.proxy.timeouts.server ?? dayMs)
    return finish(engine.addTcpService({ ...common, pool: backend.pool, idleTimeoutMs, attemptFailed: null }))
  }

  const counted = proxy.tracks === null ? null : (tables.get(proxy.tracks === '' ? proxy.name : proxy.tracks) ?? null)
  const rates = counted ?? tables.get(proxy.name) ?? null
  /** where each request went: the rules of that backend apply to it as well */
  const targets = new WeakMap<object, Backend>()
  const proxiesOf = (facts: HttpFacts): ProxySettings[] => {
    const target = targets.get(facts.request)
    return target === undefined || target === own ? [proxy] : [proxy, target.proxy]
  }
  const answerOf = (rules: ProxySettings['requestRules'], facts: FactsWithRate): HttpAnswer | null => {
    for (const rule of rules) {
      const answer = rule(facts)
      if (answer !== null) return answer
    }
    return null
  }
  const spec: HttpServiceSpec = {
    ...common,
    route(given) {
      const facts = { ...given, rates }
      counted?.track(given.session.source.address)
      const refused = answerOf(proxy.requestRules, facts)
      if (refused !== null) return refused
      const route = proxy.routes.find(({ condition }) => condition === null || condition(facts))
      const target = route === undefined ? own : (backends.get(route.backend) ?? null)
      if (target === null) return noServer
      targets.set(given.request, target)
      return (target === own ? null : answerOf(target.proxy.requestRules, facts)) ?? target.pool
    },
    balanceKey: (facts) => targets.get(facts.request)?.proxy.balanceKey?.(facts) ?? facts.session.source.address,
    editRequest(headers, facts) {
      const proxies = proxiesOf(facts)
      if (proxies.some(({ forwardFor }) => forwardFor)) addForwarded(headers, facts, { for: true, proto: false, host: false })
      for (const { editRequest } of proxies) for (const edit of editRequest) edit(headers, { ...facts, rates })
    },
    editResponse(headers, facts) {
      for (const { editResponse } of proxiesOf(facts)) for (const edit of editResponse) edit(headers, facts)
    },
    failureStatus: (reason) => (reason === 'response' ? 502 : reason === 'response-timeout' ? 504 : 503),
    attemptFailed: null,
    errorAnswer,
    requestTimeoutMs: timeouts['http-request'] ?? timeouts.client ?? dayMs,
    keepAliveMs: timeouts['http-keep-alive'] ?? timeouts['http-request'] ?? timeouts.client ?? dayMs,
    serverTimeoutMs: () => timeouts.server ?? dayMs,
    tunnelTimeoutMs: () => timeouts.tunnel ?? timeouts.server ?? dayMs,
  }
  return finish(engine.addHttpService(spec))
}
