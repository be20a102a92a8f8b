import type { IncomingMessage } from 'node:http'
import { PosixError, type Machine } from '../../machine/machine.ts'
import type { Engine, FailedAttempt, HttpFacts, Pool, Service } from '../../traffic/traffic.ts'
import type { HttpListen, PlaceSettings } from '../config/http-settings.ts'
import type { Text } from '../config/text.ts'
import { errnoText } from '../errno.ts'
import { appendLog } from '../error-log.ts'
import { answerRequest, type Limit, type Proxied } from './answer-request.ts'
import { chooseServer } from './choose-place.ts'
import { addHeaders, answer, logRequest, ownHeaders, placeOf, splitUrl, type Moment } from './moment.ts'
import { pageOf } from './pages.ts'

export interface HttpContext {
  readonly machine: Machine
  readonly engine: Engine
  /** the worker's */
  readonly pid: number
  readonly pools: ReadonlyMap<string, Pool>
  /** what `hash` hashes, by upstream */
  readonly keys: ReadonlyMap<string, Text>
  readonly limits: ReadonlyMap<string, Limit>
  readonly statusPage: () => string
  readonly requestCame: () => void
}

/** The servers of one address, in one worker. */
export function createHttpService(listen: HttpListen, context: HttpContext): Service {
  const { machine, engine, pid, pools, keys, limits } = context
  const { fallback } = listen
  const moments = new WeakMap<IncomingMessage, Moment>()
  /** the upstreams under the rules of each place */
  const shared = new WeakMap<PlaceSettings, Pool>()

  function momentOf(facts: HttpFacts): Moment {
    const known = moments.get(facts.request)
    if (known !== undefined) return known
    const { request, session } = facts
    const host = (request.headers.host ?? '').replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase()
    const server = chooseServer(listen, host)
    const url = request.url ?? '/'
    const moment: Moment = {
      ...{ machine, pid, request, session, url, server, serverName: server.name, host: host === '' ? server.name : host },
      ...(splitUrl(url) ?? { path: '/', query: '' }),
      ...{ startedAt: machine.clock.monotonic(), location: null, proxyHost: '', captures: [], attempts: [], entry: null },
    }
    moments.set(request, moment)
    return moment
  }

  function poolFor(place: PlaceSettings, { upstream, rules }: Proxied): Pool {
    const pool = shared.get(place) ?? pools.get(upstream)
    if (pool === undefined) throw new RangeError(`There is no upstream ${upstream}.`)
    const own = shared.has(place) ? pool : engine.sharePool(pool, rules)
    shared.set(place, own)
    return own
  }

  /** The request as its server sees it. */
  function urlFor({ request, location, path, query }: Moment, { uri }: Proxied): string {
    if (uri === null || location === null) return request.url ?? '/'
    return encodeURI(uri + path.slice(location.path.length)) + (query === '' ? '' : `?${query}`)
  }

  const readTimeout = (facts: HttpFacts): number => placeOf(momentOf(facts)).readTimeoutMs

  return engine.addHttpService({
    name: `${listen.address}:${listen.port}`,
    maxSessions: null,
    async route(facts) {
      context.requestCame()
      const moment = momentOf(facts)
      if (splitUrl(moment.url) === null) return answer(moment, 400, { headers: { connection: 'close' } })
      const found = await answerRequest(moment, limits, context.statusPage)
      return 'status' in found ? found : poolFor(placeOf(moment), found)
    },
    balanceKey(facts) {
      const moment = momentOf(facts)
      const { content } = placeOf(moment)
      const key = content.kind === 'proxy' ? keys.get(content.upstream) : undefined
      return key?.(moment) ?? facts.session.source.address
    },
    editRequest(headers, facts) {
      const moment = momentOf(facts)
      const { content, setHeaders } = placeOf(moment)
      delete headers['upgrade']
      for (const [name, value] of setHeaders) {
        const text = value(moment)
        if (text === '') delete headers[name]
        else headers[name] = text
      }
      if (content.kind === 'proxy') facts.request.url = urlFor(moment, content)
    },
    editResponse(headers, { status, server, ...facts }) {
      const moment = momentOf(facts)
      moment.attempts.push({ address: `${server.address}:${server.port}`, status })
      Object.assign(headers, ownHeaders(machine, placeOf(moment)))
      addHeaders(headers, moment, status)
    },
    attemptFailed(failed, facts) {
      const moment = momentOf(facts)
      const address = `${failed.server.address}:${failed.server.port}`
      moment.attempts.push({ address, status: failed.reason.endsWith('timeout') ? 504 : 502 })
      const complaint = complaintOf(failed)
      if (complaint !== null) logRequest(moment, 'error', complaint, address)
    },
    failureStatus: (reason) => (reason.endsWith('-timeout') && reason !== 'queue-timeout' ? 504 : 502),
    errorAnswer(status, facts) {
      if (facts !== null) return answer(momentOf(facts), status)
      const headers = { ...ownHeaders(machine, fallback), 'content-type': 'text/html' }
      return { headers, body: pageOf(status, fallback.signature) }
    },
    requestTimeoutMs: fallback.headerTimeoutMs,
    keepAliveMs: fallback.keepAliveMs,
    serverTimeoutMs: readTimeout,
    tunnelTimeoutMs: readTimeout,
    log(entry, facts) {
      const moment = momentOf(facts)
      moment.entry = entry
      if (entry.ended === 'no-server') logRequest(moment, 'error', 'no live upstreams while connecting to upstream', entry.pool)
      for (const { path, format, isOff } of placeOf(moment).accessLogs)
        if (!isOff) appendLog(machine, path, `${format(moment)}\n`)
    },
  })
}

/** What nginx says of a server that did not answer; null: nothing. */
export function complaintOf({ reason, cause }: Pick<FailedAttempt, 'reason' | 'cause'>): string | null {
  switch (reason) {
    case 'connect':
      return `connect() failed (${cause instanceof PosixError ? errnoText(cause) : '104: Connection reset by peer'}) while connecting to upstream`
    case 'connect-timeout':
      return 'upstream timed out (110: Connection timed out) while connecting to upstream'
    case 'response':
      return 'upstream prematurely closed connection while reading response header from upstream'
    case 'response-timeout':
      return 'upstream timed out (110: Connection timed out) while reading response header from upstream'
    case 'status':
    case 'no-server':
    case 'queue-timeout':
      return null
  }
}
