import type { IncomingMessage } from 'node:http'
import type { Machine } from '../../machine/machine.ts'
import type { AccessEntry, Session } from '../../traffic/traffic.ts'

/** A request under way, as the variables of a configuration see it. */
export interface RequestView {
  readonly machine: Machine
  /** the worker's */
  readonly pid: number
  readonly request: IncomingMessage
  readonly session: Session
  /** as the client wrote it */
  readonly url: string
  /** decoded, without `//` and `..` */
  readonly path: string
  readonly query: string
  /** without its port; the server's name where the client named none */
  readonly host: string
  readonly serverName: string
  /** on the monotonic clock */
  readonly startedAt: number
  /** what `proxy_pass` names, once a location was chosen; else empty */
  proxyHost: string
  /** of the location's pattern */
  captures: readonly string[]
  /** the servers that were asked; 502 or 504 for one that did not answer */
  readonly attempts: { address: string; status: number }[]
  /** once it is over */
  entry: AccessEntry | null
}
