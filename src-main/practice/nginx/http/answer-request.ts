import { PosixError } from '../../machine/machine.ts'
import type { HttpAnswer } from '../../traffic/traffic.ts'
import type { Content, PlaceSettings } from '../config/http-settings.ts'
import type { Text } from '../config/text.ts'
import { chooseLocation } from './choose-place.ts'
import type { LimitCounts } from './limit-req.ts'
import { answer, logRequest, placeOf, type Moment } from './moment.ts'

/** a `limit_req_zone` */
export interface Limit {
  readonly key: Text
  readonly counts: LimitCounts
}

export type Proxied = Extract<Content, { kind: 'proxy' }>

const root = '/usr/share/nginx/html'

/** nginx's phases, in their order: `return`, the location and its `return`, `limit_req`, `allow` and `deny`, and what the place does. */
export async function answerRequest(
  moment: Moment,
  limits: ReadonlyMap<string, Limit>,
  statusPage: () => string,
): Promise<HttpAnswer | Proxied> {
  const { server, path } = moment
  if (server.returns !== null) return returned(moment, server.returns)
  const found = chooseLocation(server.locations, path)
  if (found !== null) {
    const { location, captures } = found
    Object.assign(moment, { location, captures, proxyHost: location.content.kind === 'proxy' ? location.content.host : '' })
  }
  const isFolder = server.locations.some((each) => each.content.kind === 'proxy' && each.path === `${path}/`)
  if (isFolder && found?.location.match !== '=')
    return answer(moment, 301, { headers: { location: absolute(moment, `${path}/`) } })
  const place = placeOf(moment)
  if (place.returns !== null) return returned(moment, place.returns)
  const refused = await limited(moment, limits)
  if (refused !== null) return refused
  if (place.access.find(({ fits }) => fits(moment.session.source.address))?.allows === false) {
    logRequest(moment, 'error', 'access forbidden by rule')
    return answer(moment, 403)
  }
  if (place.content.kind === 'status') return answer(moment, 200, { type: 'text/plain', body: statusPage() })
  return place.content.kind === 'files' ? fromFiles(moment) : place.content
}

function returned(moment: Moment, { status, text }: NonNullable<PlaceSettings['returns']>): HttpAnswer {
  const said = text?.(moment) ?? null
  // no answer at all
  if (status === 444) moment.session.cut()
  if (said === null) return answer(moment, status)
  if ([301, 302, 303, 307, 308].includes(status))
    return answer(moment, status, { headers: { location: absolute(moment, said) } })
  return answer(moment, status, { type: placeOf(moment).defaultType, body: said })
}

function absolute({ host, session }: Moment, target: string): string {
  const port = session.local.port === 80 ? '' : `:${session.local.port}`
  return target.startsWith('/') ? `http://${host}${port}${target}` : target
}

async function limited(moment: Moment, zones: ReadonlyMap<string, Limit>): Promise<HttpAnswer | null> {
  const place = placeOf(moment)
  for (const { zone, burst, nodelay } of place.limits) {
    const limit = zones.get(zone)
    const key = limit?.key(moment) ?? ''
    // nginx does not count a request whose key is empty
    if (limit === undefined || key === '') continue
    const { allowed, excess, delayMs } = limit.counts.ask(key, burst)
    const by = `excess: ${excess.toFixed(3)} by zone "${zone}"`
    if (!allowed) {
      logRequest(moment, 'error', `limiting requests, ${by}`)
      return answer(moment, place.limitStatus)
    }
    if (nodelay || delayMs < 1) continue
    logRequest(moment, 'warn', `delaying request, ${by}`)
    await new Promise<void>((resolve) => moment.machine.clock.after(delayMs, resolve))
  }
  return null
}

function fromFiles(moment: Moment): HttpAnswer {
  const isFolder = moment.path.endsWith('/')
  const file = `${root}${moment.path}${isFolder ? 'index.html' : ''}`
  try {
    const type = file.endsWith('.html') ? 'text/html' : placeOf(moment).defaultType
    return answer(moment, 200, { type, body: moment.machine.files.read(file).toString('utf8') })
  } catch (thrown) {
    if (!(thrown instanceof PosixError)) throw thrown
    const reason = '(2: No such file or directory)'
    logRequest(moment, 'error', isFolder ? `"${file}" is not found ${reason}` : `open() "${file}" failed ${reason}`)
    return answer(moment, 404)
  }
}
