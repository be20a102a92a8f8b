import type { RequestView } from './request-view.ts'

export type Variable = (at: RequestView) => string

const seconds = (ms: number): string => (ms / 1000).toFixed(3)
const header = ({ request }: RequestView, name: string): string => [request.headers[name] ?? ''].flat().join(', ')
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `23/Nov/2026:03:37:49 +0000`, in UTC as the machines' clocks are */
function localTime(now: number): string {
  const at = new Date(now)
  const day = String(at.getUTCDate()).padStart(2, '0')
  return `${day}/${months[at.getUTCMonth()] ?? ''}/${at.getUTCFullYear()}:${at.toISOString().slice(11, 19)} +0000`
}

/** `name=value` pairs of a query or of cookies */
function valueAmong(pairs: string, separator: RegExp, name: string): string {
  const found = pairs.split(separator).find((pair) => pair.toLowerCase().startsWith(`${name}=`))
  return found?.slice(name.length + 1) ?? ''
}

const variables: Readonly<Record<string, Variable>> = {
  args: ({ query }) => query,
  binary_remote_addr: ({ session }) => Buffer.from(session.source.address.split('.').map(Number)).toString('latin1'),
  body_bytes_sent: ({ entry }) => String(entry?.bodyBytes ?? 0),
  bytes_sent: ({ entry }) => String(entry?.bytesOut ?? 0),
  connection: ({ session }) => String(session.id),
  connection_requests: ({ session }) => String(session.requests),
  content_length: (at) => header(at, 'content-length'),
  content_type: (at) => header(at, 'content-type'),
  document_uri: ({ path }) => path,
  host: (at) => at.host,
  hostname: ({ machine }) => machine.name,
  https: () => '',
  is_args: ({ query }) => (query === '' ? '' : '?'),
  msec: ({ machine }) => seconds(machine.clock.now()),
  nginx_version: () => '1.22.1',
  pid: ({ pid }) => String(pid),
  pipe: () => '.',
  proxy_add_x_forwarded_for: (at) => [header(at, 'x-forwarded-for'), at.session.source.address].filter(Boolean).join(', '),
  proxy_host: ({ proxyHost }) => proxyHost,
  proxy_port: ({ proxyHost }) => (proxyHost === '' ? '' : (proxyHost.split(':')[1] ?? '80')),
  query_string: ({ query }) => query,
  remote_addr: ({ session }) => session.source.address,
  remote_port: ({ session }) => String(session.source.port),
  remote_user: () => '',
  request: ({ request, url }) => `${request.method} ${url} HTTP/${request.httpVersion}`,
  request_length: ({ entry }) => String(entry?.bytesIn ?? 0),
  request_method: ({ request }) => request.method ?? '',
  request_time: ({ machine, startedAt }) => seconds(machine.clock.monotonic() - startedAt),
  request_uri: ({ url }) => url,
  scheme: () => 'http',
  server_addr: ({ session }) => session.local.address,
  server_name: ({ serverName }) => serverName,
  server_port: ({ session }) => String(session.local.port),
  server_protocol: ({ request }) => `HTTP/${request.httpVersion}`,
  status: ({ entry }) => String(entry?.status ?? (entry?.ended === 'client' ? 499 : 0)),
  time_iso8601: ({ machine }) => `${new Date(machine.clock.now()).toISOString().slice(0, 19)}+00:00`,
  time_local: ({ machine }) => localTime(machine.clock.now()),
  upstream_addr: ({ attempts }) => attempts.map(({ address }) => address).join(', '),
  upstream_connect_time: ({ entry }) => (entry?.connectMs == null ? '' : seconds(entry.connectMs)),
  upstream_header_time: ({ entry }) => (entry?.responseMs == null ? '' : seconds(entry.responseMs)),
  upstream_response_time: ({ entry }) =>
    entry?.responseMs == null ? '' : seconds(entry.totalMs - entry.queueMs - (entry.connectMs ?? 0)),
  upstream_status: ({ attempts }) => attempts.map(({ status }) => String(status)).join(', '),
  uri: ({ path }) => path,
}

const families: Readonly<Record<string, (at: RequestView, name: string) => string>> = {
  arg_: ({ query }, name) => valueAmong(query, /&/, name),
  cookie_: (at, name) => valueAmong(header(at, 'cookie'), /;\s*/, name),
  http_: (at, name) => header(at, name.replaceAll('_', '-')),
}

/** Null: a practice nginx has no such variable. */
export function variableNamed(name: string): Variable | null {
  if (/^\d$/.test(name)) return ({ captures }) => captures[Number(name)] ?? ''
  const lower = name.toLowerCase()
  if (Object.hasOwn(variables, lower)) return variables[lower] ?? null
  for (const [prefix, read] of Object.entries(families)) {
    const rest = lower.slice(prefix.length)
    if (lower.startsWith(prefix) && rest !== '') return (at) => read(at, rest)
  }
  return null
}
