import type { Connection } from '../machine/machine.ts'
import type { Counters } from './figures.ts'
import type { Session } from './traffic.ts'

/** A client connection as the service that serves it writes it. */
export interface LiveSession extends Session {
  pool: string | null
  server: string | null
  request: string | null
  requests: number
  lastActivityAt: number
  /** an operator, or `finishNow`, ended it */
  readonly isCut: boolean
  readonly connection: Connection
  /** aborted when the connection closes */
  readonly signal: AbortSignal
  /** between two requests: the bytes received when the last one ended; null: at work */
  idleSince: number | null
  /** requests under way: a client may send the next before it has its answer */
  busy: number
}

export interface SessionTable {
  open(service: string, connection: Connection, figures: Counters): LiveSession
  /** oldest first */
  all(): LiveSession[]
  /** what is still to be done for a session after its connection closed, such as its line in the log, counts as part of it */
  attend(work: Promise<void>): void
  /** resolves when the last one is gone */
  empty(): Promise<void>
}

/**
 * @param now the monotonic clock, milliseconds
 * @param pid the process that serves the clients; another one may listen for it
 */
export function createSessionTable(now: () => number, pid: number): SessionTable {
  const sessions = new Set<LiveSession>()
  let nextId = 1
  let whenEmpty: (() => void)[] = []
  let attended = 0
  const isEmpty = (): boolean => sessions.size === 0 && attended === 0
  const left = (): void => {
    if (!isEmpty()) return
    for (const resolve of whenEmpty) resolve()
    whenEmpty = []
  }
  return {
    open(service, connection, figures) {
      const { socket, remote, local } = connection
      const gone = new AbortController()
      connection.giveTo(pid)
      let isCut = false
      const session: LiveSession = {
        id: nextId++,
        service,
        source: remote,
        local,
        connection,
        signal: gone.signal,
        startedAt: now(),
        lastActivityAt: now(),
        pool: null,
        server: null,
        request: null,
        requests: 0,
        idleSince: null,
        busy: 0,
        get bytesIn() {
          return socket.bytesRead
        },
        get bytesOut() {
          return socket.bytesWritten
        },
        get isCut() {
          return isCut
        },
        cut() {
          isCut = true
          socket.destroy()
        },
      }
      // A half-closed client still gets its answer.
      socket.allowHalfOpen = true
      socket.setNoDelay(true)
      socket.on('error', () => socket.destroy())
      sessions.add(session)
      figures.open()
      socket.once('close', () => {
        sessions.delete(session)
        figures.close()
        gone.abort()
        left()
      })
      return session
    },
    all: () => [...sessions],
    attend(work) {
      attended += 1
      void work.finally(() => {
        attended -= 1
        left()
      })
    },
    empty: () => (isEmpty() ? Promise.resolve() : new Promise((resolve) => whenEmpty.push(resolve))),
  }
}
