import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import type { Persistence } from '../traffic.ts'

type CookiePersistence = Extract<Persistence, { kind: 'cookie' }>

/** between the server's name and the server's own value, in `prefix` mode */
const delimiter = '~'

/** What the client's cookie says: the server it belongs to, and the Cookie header that this server may see (null: none is left). */
export function readPersistence(
  { headers }: IncomingMessage,
  { name, mode }: CookiePersistence,
): { server: string | null; cookie: string | null } {
  let server: string | null = null
  const kept: string[] = []
  for (const pair of (headers.cookie ?? '').split(/;\s*/)) {
    const value = pair.startsWith(`${name}=`) ? pair.slice(name.length + 1) : null
    if (value === null) {
      if (pair !== '') kept.push(pair)
    } else if (mode === 'insert') server = value
    else {
      const at = value.indexOf(delimiter)
      if (at > 0) server = value.slice(0, at)
      kept.push(`${name}=${value.slice(at + 1)}`)
    }
  }
  return { server, cookie: kept.length > 0 ? kept.join('; ') : null }
}

/** Tells the client where it belongs. `known`: it knows already. */
export function writePersistence(
  headers: OutgoingHttpHeaders,
  { name, mode }: CookiePersistence,
  { cookie, known }: { cookie: string | null; known: boolean },
): void {
  if (cookie === null) return
  const own = [headers['set-cookie'] ?? []].flat().map(String)
  if (mode === 'insert') {
    if (!known) headers['set-cookie'] = [...own, `${name}=${cookie}; path=/`]
  } else if (own.length > 0) {
    headers['set-cookie'] = own.map((line) =>
      line.startsWith(`${name}=`) ? `${name}=${cookie}${delimiter}${line.slice(name.length + 1)}` : line,
    )
  }
}
