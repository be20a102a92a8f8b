/*
 * A connection to a node through any number of jump hosts.
 *
 * Model: every hop has its own handshake and its own host key check; the jump hosts only carry bytes. The chain is one thing: when any
 * of its connections ends, all end, and `lost` is aborted with the reason. Nothing is reconnected here.
 */
import { connect as connectTcp, type Socket } from 'node:net'
import type { Client } from 'ssh2'
import { AppError } from '../../app/app-error.ts'
import type { HostKeyPolicy } from '../../app/ports/ssh.ts'
import { type NodeSecrets, planAuth } from './auth-plan.ts'
import { ChannelDuplex } from './channel-duplex.ts'
import { connect } from './connect.ts'
import { abortable } from './deadline.ts'
import { checkHostKey } from './host-key-check.ts'
import { joinWrites } from './join-writes.ts'
import { type Hop, labelOf } from './resolve-target.ts'
import { dialError, lostError } from './ssh-errors.ts'

export interface ChainParts {
  hostKeys: HostKeyPolicy
  secrets: NodeSecrets
  home: string
  keepalive: { intervalMs: number; countMax: number }
  onPhase: (phase: string) => void
}

export interface Chain {
  /** the connection to the node itself */
  client: Client
  /** `user@host:port` of the node */
  where: string
  user: string
  /** aborted with `ssh.connection-lost` when any part of the chain is gone, `close` included */
  lost: AbortSignal
  traffic(): { received: number; sent: number }
  close(): void
}

type Stream = Socket | ChannelDuplex

/** `signal`'s reason must be an AppError. Rejects with AppError; nothing stays open then. */
export async function dialChain(hops: readonly Hop[], parts: ChainParts, signal: AbortSignal): Promise<Chain> {
  const clients: Client[] = []
  const lost = new AbortController()
  const closeAll = (): void => clients.toReversed().forEach((client) => client.destroy())

  try {
    let stream: Stream | null = null
    let where = ''
    for (const [index, hop] of hops.entries()) {
      const previous = clients.at(-1)
      where = labelOf(hop)
      const onPhase = (phase: string): void => parts.onPhase(`${phase} with ${labelOf(hop)}`)
      // everything that waits comes before the stream is opened: nobody would notice its end meanwhile
      const auth = await planAuth(hop, parts.secrets, parts.home, signal)
      const keyQuery = { host: hop.keyHost, port: hop.keyPort, knownHostsFile: hop.knownHostsFile }
      const knownKeyTypes = await parts.hostKeys.knownTypes(keyQuery)
      onPhase('connection')
      stream = previous === undefined ? await openTcp(hop, signal) : await openThrough(previous, hop, signal)
      const client = await connect({
        stream,
        user: hop.user,
        where,
        auth,
        judgeKey: (key) => checkHostKey(parts.hostKeys, hops, index, key),
        knownKeyTypes,
        keepalive: parts.keepalive,
        onPhase,
        signal,
      })
      clients.push(client)
      watch(client, where, lost, closeAll)
    }
    lost.signal.throwIfAborted()
    const [client, wire, node] = [clients.at(-1), stream, hops.at(-1)]
    if (client === undefined || wire === null || node === undefined) throw new RangeError('a chain needs at least one hop')
    return {
      client,
      where,
      user: node.user,
      lost: lost.signal,
      traffic: () => ({ received: wire.bytesRead, sent: wire.bytesWritten }),
      close: closeAll,
    }
  } catch (error) {
    closeAll()
    throw lost.signal.aborted && !signal.aborted ? lost.signal.reason : error
  }
}

function watch(client: Client, where: string, lost: AbortController, closeAll: () => void): void {
  let last: Error | null = null
  client.on('error', (error) => {
    last = error
  })
  client.on('close', () => {
    if (!lost.signal.aborted) lost.abort(lostError(last, where))
    closeAll()
  })
}

function openTcp(hop: Hop, signal: AbortSignal): Promise<Socket> {
  return abortable(signal, (resolve, reject) => {
    const socket = connectTcp({ host: hop.host, port: hop.port, noDelay: true })
    const giveUp = (): void => void socket.destroy()
    signal.addEventListener('abort', giveUp, { once: true })
    socket.once('error', (error) => {
      signal.removeEventListener('abort', giveUp)
      reject(dialError(error, labelOf(hop), false))
    })
    socket.once('connect', () => {
      signal.removeEventListener('abort', giveUp)
      socket.removeAllListeners('error')
      // between here and ssh2's own listener an error would be thrown into the process
      socket.on('error', () => undefined)
      joinWrites(socket)
      resolve(socket)
    })
  })
}

function openThrough(jump: Client, hop: Hop, signal: AbortSignal): Promise<ChannelDuplex> {
  return abortable(signal, (resolve, reject) => {
    jump.forwardOut('127.0.0.1', 0, hop.host, hop.port, (error, channel) => {
      if (error !== undefined) return reject(forwardError(error, hop))
      const stream = new ChannelDuplex(channel)
      stream.on('error', () => undefined) // ssh2 listens as well; this one stays for the time after it
      if (signal.aborted) stream.destroy()
      resolve(stream)
    })
  })
}

/** RFC 4254, 5.1: 1 administratively prohibited, 2 connect failed. */
function forwardError(error: Error & { reason?: unknown }, hop: Hop): AppError {
  const why = error.reason === 1 ? 'it forbids forwarding (AllowTcpForwarding, PermitOpen)' : error.message
  return new AppError('node.unreachable', `The jump host cannot reach ${hop.host}:${hop.port}: ${why}.`, {
    details: { host: hop.host, port: hop.port },
    cause: error,
  })
}
