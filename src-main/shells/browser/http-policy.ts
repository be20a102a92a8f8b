import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { CONTENT_SECURITY_POLICY } from '../content-security-policy.ts'

/**
 * What the loopback server insists on, apart from the token:
 * - `Host` must name this machine's loopback, whatever the port (an SSH tunnel may change it): this stops DNS rebinding.
 * - `Origin` of a WebSocket must be the very page this server served.
 */
const LOOPBACK_NAMES = new Set(['127.0.0.1', 'localhost', '[::1]'])

/** Sent with every answer, errors included. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
}

export function isLoopbackHost(host: string | undefined): boolean {
  if (host === undefined) return false
  const match = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(?::(\d{1,5}))?$/.exec(host)
  return match?.[1] !== undefined && LOOPBACK_NAMES.has(match[1].toLowerCase())
}

/** True when the page that opens the socket was served from the very address the socket is opened to. */
export function isSameOrigin(request: Pick<IncomingMessage, 'headers'>): boolean {
  const { host, origin } = request.headers
  return isLoopbackHost(host) && origin === `http://${host}`
}

/** Compares in constant time; a length difference is not hidden, the length of the token is no secret. */
export function tokenMatches(expected: string, offered: unknown): boolean {
  if (typeof offered !== 'string') return false
  const a = Buffer.from(expected)
  const b = Buffer.from(offered)
  return a.length === b.length && timingSafeEqual(a, b)
}
