import type { Directive } from './parse-config.ts'

/** ngx_http_stub_status_module (1.22.1). Counts every worker generation together since the master started; nothing per upstream. */
export interface StubStatus {
  active: number
  accepted: number
  handled: number
  requests: number
  reading: number
  writing: number
  waiting: number
}

const page =
  /^Active connections: (\d+) \nserver accepts handled requests\n (\d+) (\d+) (\d+) \nReading: (\d+) Writing: (\d+) Waiting: (\d+) \n$/

/** Null when the text is not the status page, e.g. an error page of some other virtual server. */
export function parseStubStatus(text: string): StubStatus | null {
  const found = page.exec(text)
  if (found === null) return null
  const [active = 0, accepted = 0, handled = 0, requests = 0, reading = 0, writing = 0, waiting = 0] = found
    .slice(1)
    .map(Number)
  return { active, accepted, handled, requests, reading, writing, waiting }
}

/**
 * The address of the first status page that can be asked for in clear from the node itself: a `stub_status` in a fixed
 * location (`location /x` or `location = /x`) of a server that listens without TLS. Null when there is none.
 */
export function findStubStatusUrl(directives: readonly Directive[]): string | null {
  for (const http of directives.filter((directive) => directive.name === 'http')) {
    for (const server of (http.block ?? []).filter((directive) => directive.name === 'server')) {
      const path = statusPath(server.block ?? [])
      const listens = (server.block ?? []).filter((directive) => directive.name === 'listen').map((directive) => directive.args)
      const origin = (listens.length === 0 ? [['80']] : listens).flatMap((args) => originFrom(args))[0]
      if (path !== null && origin !== undefined) return origin + path
    }
  }
  return null
}

function statusPath(directives: readonly Directive[]): string | null {
  for (const location of directives.filter((directive) => directive.name === 'location')) {
    const block = location.block ?? []
    const path = location.args.at(-1) ?? ''
    const fixed = location.args.length === 1 || location.args[0] === '=' || location.args[0] === '^~'
    if (fixed && path.startsWith('/') && block.some((directive) => directive.name === 'stub_status')) return path
    const inner = statusPath(block)
    if (inner !== null) return inner
  }
  return null
}

function originFrom([written = '', ...parameters]: readonly string[]): string[] {
  if (written.startsWith('unix:') || parameters.includes('ssl') || parameters.includes('proxy_protocol')) return []
  const split = /^(?:(\[[^\]]*\]|[^:]*):)?(\d+)$/.exec(written)
  const host = split === null ? written : (split[1] ?? '*')
  const reachable = host === '*' || host === '0.0.0.0' ? '127.0.0.1' : host === '[::]' ? '[::1]' : host
  return [`http://${reachable}:${split?.[2] ?? '80'}`]
}
