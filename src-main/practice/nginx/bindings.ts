/*
 * The addresses that nginx listens at. Where a configuration names a port both with and without an address, there is one socket for all
 * addresses, and nginx looks at where a connection arrived (ngx_http_optimize_servers).
 */
import { PosixError, type Machine } from '../machine/machine.ts'
import { addressText } from './config/listen.ts'
import type { Settings } from './config/settings.ts'
import { errnoText } from './errno.ts'

export interface Wanted {
  readonly address: string
  readonly port: number
}

/** One entry for each socket, in the order in which nginx opens them. One that two contexts want stands twice. */
export function wantedSockets({ http, stream }: Settings): Wanted[] {
  return [...withoutCovered(http?.listens ?? []), ...withoutCovered(stream?.listens ?? [])]
}

function withoutCovered(listens: readonly Wanted[]): Wanted[] {
  const covers = new Set(listens.filter(({ address }) => address === '*').map(({ port }) => port))
  return listens
    .filter(({ address, port }) => address === '*' || !covers.has(port))
    .map(({ address, port }) => ({ address, port }))
}

/** Which of `listens` a connection to `local` is for: that address, else all addresses. */
export function listenAt<One extends Wanted>(listens: readonly One[], local: Wanted): One | undefined {
  const onPort = listens.filter(({ port }) => port === local.port)
  return onPort.find(({ address }) => address === local.address) ?? onPort.find(({ address }) => address === '*')
}

export interface Obstacle {
  readonly error: PosixError
  /** where: `0.0.0.0:8080` */
  readonly at: string
}

/** Why sockets cannot be had. @param held the addresses that the running nginx has already */
export function findObstacles(
  { network }: Machine,
  wanted: readonly Wanted[],
  held: readonly Wanted[],
  pid: number,
): Obstacle[] {
  const seen = new Set<string>()
  return wanted.flatMap((one) => {
    const at = addressText(one)
    if (held.some(({ address, port }) => address === one.address && port === one.port) && !seen.has(at)) {
      seen.add(at)
      return []
    }
    try {
      if (seen.has(at)) throw new PosixError('EADDRINUSE')
      seen.add(at)
      network.listen({ ...one, pid }, ({ socket }) => socket.destroy()).close()
      return []
    } catch (thrown) {
      if (!(thrown instanceof PosixError)) throw thrown
      return [{ error: thrown, at }]
    }
  })
}

export const bindComplaint = ({ error, at }: Obstacle): string =>
  at.startsWith('[')
    ? `socket() ${at} failed (97: Address family not supported by protocol)`
    : `bind() to ${at} failed (${errnoText(error)})`
