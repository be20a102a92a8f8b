import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import type { HttpFacts } from '../traffic.ts'

/** RFC 9110, 7.6.1: for this connection only. `expect` is answered here. */
const hopByHop = new Set(
  'connection expect keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding upgrade'.split(
    ' ',
  ),
)

/** The headers of a message that go on to the other side. */
export function endToEnd({ headersDistinct, headers }: IncomingMessage): OutgoingHttpHeaders {
  const named = (headers.connection ?? '').toLowerCase().split(/\s*,\s*/)
  const kept: OutgoingHttpHeaders = {}
  for (const [name, values] of Object.entries(headersDistinct)) {
    if (values === undefined || hopByHop.has(name) || named.includes(name)) continue
    const [only] = values
    kept[name] = values.length === 1 && only !== undefined ? only : values
  }
  return kept
}

/** `X-Forwarded-For` (added to what is there), `-Proto` and `-Host`, for `HttpServiceSpec.editRequest`. */
export function addForwarded(
  headers: OutgoingHttpHeaders,
  { request, session }: HttpFacts,
  which: { readonly for: boolean; readonly proto: boolean; readonly host: boolean },
): void {
  const before = headers['x-forwarded-for']
  if (which.for) headers['x-forwarded-for'] = [before ?? [], session.source.address].flat().join(', ')
  if (which.proto) headers['x-forwarded-proto'] = 'http'
  if (which.host && request.headers.host !== undefined) headers['x-forwarded-host'] = request.headers.host
}

/** about what the head of a message took on the wire */
export function headBytes({ rawHeaders, url = '' }: IncomingMessage): number {
  // `: ` and the line end of each header, the first line, the empty line
  return rawHeaders.reduce((sum, text) => sum + text.length + 2, url.length + 20)
}
