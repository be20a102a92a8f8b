import type { OutgoingHttpHeaders } from 'node:http'
import type { Machine } from '../../machine/machine.ts'
import type { HttpAnswer } from '../../traffic/traffic.ts'
import type { LogLevel } from '../config/check-main.ts'
import type { LocationSettings, PlaceSettings, ServerSettings } from '../config/http-settings.ts'
import type { RequestView } from '../config/request-view.ts'
import { writeErrorLog } from '../error-log.ts'
import { pageOf } from './pages.ts'

/** A request under way, and the place of the configuration that it is at. */
export interface Moment extends RequestView {
  readonly server: ServerSettings
  /** null until one was chosen */
  location: LocationSettings | null
}

export const placeOf = ({ location, server }: Moment): PlaceSettings => location ?? server

/** Path and query of a request line; null: the path leads out of the root, or cannot be decoded. */
export function splitUrl(url: string): { path: string; query: string } | null {
  const [written = '', query = ''] = url.replace(/^https?:\/\/[^/?]*/i, '').split(/\?(.*)/s)
  const parts: string[] = []
  try {
    const path = decodeURIComponent(written)
    if (path.includes('\0')) return null
    for (const part of path.split('/').slice(1)) {
      if (part !== '..') {
        if (part !== '.' && part !== '') parts.push(part)
      } else if (parts.pop() === undefined) return null
    }
    const isFolder = /\/\.{0,2}$/.test(path)
    return { path: `/${parts.join('/')}${isFolder && parts.length > 0 ? '/' : ''}`, query }
  } catch {
    return null
  }
}

/** A line of the error log of the place that the request is at. @param upstream the server that was asked */
export function logRequest(moment: Moment, level: LogLevel, text: string, upstream: string | null = null): void {
  const { machine, pid, request, session, server, url } = moment
  const line = `${request.method} ${url} HTTP/${request.httpVersion}`
  const asked = upstream === null ? '' : `, upstream: "http://${upstream}${request.url ?? url}"`
  const host = request.headers.host === undefined ? '' : `, host: "${request.headers.host}"`
  const where = `client: ${session.source.address}, server: ${server.name}, request: "${line}"${asked}${host}`
  writeErrorLog(machine, placeOf(moment).errorLogs, level, pid, `*${session.id} ${text}, ${where}`)
}

/** The headers that nginx gives every answer. */
export const ownHeaders = ({ clock }: Machine, { signature }: PlaceSettings): OutgoingHttpHeaders => ({
  server: signature,
  date: new Date(clock.now()).toUTCString(),
})

const getsHeaders = new Set([200, 201, 204, 206, 301, 302, 303, 304, 307, 308])

/** `add_header` */
export function addHeaders(headers: OutgoingHttpHeaders, moment: Moment, status: number): void {
  for (const { name, value, always } of placeOf(moment).addHeaders) {
    const text = value(moment)
    if (text !== '' && (always || getsHeaders.has(status))) headers[name] = [headers[name] ?? [], text].flat().map(String)
  }
}

/** nginx's own answer, with its page unless there is a body. */
export function answer(
  moment: Moment,
  status: number,
  { type = 'text/html', body, headers: more }: { type?: string; body?: string; headers?: OutgoingHttpHeaders } = {},
): HttpAnswer & { body: string } {
  const place = placeOf(moment)
  const headers = { ...ownHeaders(moment.machine, place), 'content-type': type, ...more }
  addHeaders(headers, moment, status)
  return { status, body: body ?? pageOf(status, place.signature), headers }
}
