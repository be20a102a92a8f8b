import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import type { CustomScheme, Protocol } from 'electron'
import { CONTENT_SECURITY_POLICY } from '../content-security-policy.ts'

/**
 * The window is served from `app://console/`, never from `file://`. Only files that existed in the built window when the application
 * started are served: the request's path is looked up in that list, so no path of the disk is ever made from it.
 */
export const SCHEME = 'app'
export const ORIGIN = 'app://console'

/** Must be registered once, before the application is ready. */
export const schemePrivileges: CustomScheme = {
  scheme: SCHEME,
  privileges: { standard: true, secure: true, supportFetchAPI: true, corsEnabled: false },
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.json': 'application/json; charset=utf-8',
}

/** Answers one request of the window. Exported for its tests; `handleAppProtocol` registers it. */
export function createAppHandler(windowFolder: string): (request: Pick<Request, 'url' | 'method'>) => Promise<Response> {
  const files = new Map<string, string>()
  for (const entry of readdirSync(windowFolder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    files.set(`/${relative(windowFolder, file).split(sep).join('/')}`, file)
  }
  return async (request) => {
    const url = URL.canParse(request.url) ? new URL(request.url) : null
    if (url === null || `${url.protocol}//${url.host}` !== ORIGIN) return refuse(403)
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405)
    const file = files.get(url.pathname === '/' ? '/index.html' : url.pathname)
    if (file === undefined) return refuse(404)
    const bytes = await readFile(file)
    return new Response(new Uint8Array(bytes), {
      headers: {
        'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
        'Content-Security-Policy': CONTENT_SECURITY_POLICY,
        'X-Content-Type-Options': 'nosniff',
      },
    })
  }
}

export function handleAppProtocol(protocol: Pick<Protocol, 'handle'>, windowFolder: string): void {
  const handler = createAppHandler(windowFolder)
  protocol.handle(SCHEME, (request) => handler(request))
}

function refuse(status: number): Response {
  return new Response(null, { status, headers: { 'Content-Security-Policy': CONTENT_SECURITY_POLICY } })
}
