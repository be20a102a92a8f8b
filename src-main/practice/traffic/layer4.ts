import type { Socket } from 'node:net'
import type { Connection } from '../machine/machine.ts'
import { connectFailure, Failure } from './failure.ts'
import { Counters } from './figures.ts'
import type { LivePool } from './pool.ts'
import { reach } from './reach.ts'
import type { LiveServer } from './server.ts'
import type { LiveSession } from './sessions.ts'
import { watchSilence } from './silence.ts'
import { splice } from './splice.ts'
import type { AccessEntry, Service, TcpServiceSpec } from './traffic.ts'
import type { Traffic } from './context.ts'

/** Forwards connections, whatever is said on them. */
export function createTcpService(spec: TcpServiceSpec & { pool: LivePool }, traffic: Traffic): Service {
  const { now, wheel, network, pid, sessions } = traffic
  const { pool } = spec
  const figures = new Counters(now)

  async function serve(session: LiveSession): Promise<void> {
    const { socket: client } = session.connection
    const { source } = session
    const claim = { key: source.address, source: source.address, cookie: null, signal: session.signal }
    const connect = async (to: LiveServer): Promise<{ server: Socket; connectMs: number }> => {
      const { address, port } = to
      const since = now()
      try {
        const server = await network.connect({ address, port, pid, timeoutMs: pool.spec.connectTimeoutMs })
        return { server, connectMs: now() - since }
      } catch (thrown) {
        const failure = connectFailure(thrown)
        if (failure.reason !== 'client') spec.attemptFailed?.({ server: to, reason: failure.reason, cause: thrown }, session)
        throw failure
      }
    }
    const { lease, result, retries, redispatched } = await reach(pool, claim, connect, () => true)
    const { server, connectMs } = result
    try {
      session.pool = pool.spec.name
      session.server = lease.server.spec.id
      lease.server.passed()
      const counted = [figures, pool.figures, lease.server.figures]
      for (const counters of counted.slice(1)) counters.time('connectMs', connectMs)
      server.allowHalfOpen = true
      server.on('error', () => server.destroy())
      if (client.destroyed) server.destroy()

      let silent = false
      const stopWatching = watchSilence(
        wheel,
        now,
        spec.idleTimeoutMs,
        () => session.lastActivityAt,
        () => {
          silent = true
          client.destroy()
        },
      )
      const broken = await splice(client, server, (direction, bytes) => {
        session.lastActivityAt = now()
        for (const counters of counted) counters[direction === 'in' ? 'bytesIn' : 'bytesOut'] += bytes
      })
      stopWatching()
      const ended = session.isCut ? 'cut' : silent ? 'idle' : broken === 'server' ? 'response' : broken
      for (const counters of counted) {
        if (ended === 'client') counters.clientAborts += 1
        if (ended === 'response') counters.serverAborts += 1
        counters.time('totalMs', now() - session.startedAt)
      }
      log(session, { queueMs: lease.queueMs, connectMs, retries, redispatched, ended })
    } finally {
      lease.release()
    }
  }

  function log(
    session: LiveSession,
    rest: Pick<AccessEntry, 'queueMs' | 'connectMs' | 'retries' | 'redispatched' | 'ended'>,
  ): void {
    const { service, source, server, bytesIn, bytesOut, startedAt } = session
    spec.log?.(
      {
        ...{ service, source, server, bytesIn, bytesOut, pool: pool.spec.name },
        ...{ request: null, status: null, responseMs: null, bodyBytes: 0, totalMs: now() - startedAt },
        ...rest,
      },
      session,
    )
  }

  function accept(connection: Connection): void {
    if (spec.maxSessions !== null && figures.sessions >= spec.maxSessions) {
      figures.denied += 1
      connection.socket.destroy()
      return
    }
    const session = sessions.open(spec.name, connection, figures)
    connection.socket.pause()
    const served = serve(session).catch((thrown: unknown) => {
      if (!(thrown instanceof Failure)) traffic.report(thrown)
      connection.socket.destroy()
      const ended = session.isCut ? 'cut' : thrown instanceof Failure ? thrown.reason : 'response'
      if (ended === 'client') figures.clientAborts += 1
      log(session, { queueMs: now() - session.startedAt, connectMs: null, retries: 0, redispatched: false, ended })
    })
    sessions.attend(served)
  }

  return { name: spec.name, figures, accept, sessions: () => sessions.all().filter(({ service }) => service === spec.name) }
}
