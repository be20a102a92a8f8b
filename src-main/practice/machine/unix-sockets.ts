import { Duplex } from 'node:stream'

import type { LocalFileTree } from './file-tree.ts'
import { PosixError, type FileStat, type UnixSockets } from './machine.ts'

/** What the machine itself does with its sockets. */
export interface LocalUnixSockets extends UnixSockets {
  /** The power goes: nobody listens any more. The sockets' files stay. */
  powerOff(): void
}

type OnConnection = Parameters<UnixSockets['listen']>[2]

/** A listener belongs to the inode, not to the name: a socket that was renamed is still answered. */
export function createUnixSockets(files: LocalFileTree): LocalUnixSockets {
  const listeners = new Map<number, OnConnection>()
  const open = new Set<Duplex>()

  function find(path: string): FileStat | null {
    return files.exists(path) ? files.stat(path) : null
  }

  return {
    listen(path, { mode = 0o755, uid = 0, gid = 0 }, onConnection) {
      const found = find(path)
      if (found !== null) {
        if (found.kind !== 'socket' || listeners.has(found.inode)) throw new PosixError('EADDRINUSE')
        files.remove(path)
      }
      files.makeSocket(path, { mode, uid, gid })
      const { inode } = files.stat(path)
      listeners.set(inode, onConnection)
      return { close: () => void listeners.delete(inode) }
    },

    connect(path, uid) {
      const { kind, inode } = files.stat(path, uid)
      if (!files.mayAccess(path, uid, 'write')) throw new PosixError('EACCES')
      const accept = kind === 'socket' ? listeners.get(inode) : undefined
      if (accept === undefined) throw new PosixError('ECONNREFUSED')
      const [client, server] = createSocketPair()
      for (const side of [client, server]) {
        open.add(side)
        side.once('close', () => open.delete(side))
      }
      queueMicrotask(() => accept(server, { uid }))
      return client
    },

    powerOff() {
      listeners.clear()
      for (const side of open) side.destroy()
    },
  }
}

/**
 * socketpair(2): each side can be half closed, and a side that is not read makes the other's writes wait. A side that is destroyed is
 * the end of the stream to the other, whose writes then fail with `EPIPE`.
 */
function createSocketPair(): [Duplex, Duplex] {
  const one = new PairSide()
  const other = new PairSide()
  one.peer = other
  other.peer = one
  return [one, other]
}

type Done = (error?: Error | null) => void

class PairSide extends Duplex {
  peer: PairSide | null = null
  /** the peer's write, done once this side reads on */
  #awaited: Done | null = null
  #hasEnded = false

  constructor() {
    super({ allowHalfOpen: true })
    // A socket's failure is for whoever uses it; nobody listening must not end the application.
    this.on('error', () => {})
  }

  #settle(error?: Error): void {
    const done = this.#awaited
    this.#awaited = null
    done?.(error)
  }

  receive(chunk: Buffer, done: Done): void {
    if (this.destroyed) done(new PosixError('EPIPE'))
    else if (this.push(chunk)) done()
    else this.#awaited = done
  }

  receiveEnd(): void {
    if (this.#hasEnded || this.destroyed) return
    this.#hasEnded = true
    this.push(null)
  }

  override _read(): void {
    this.#settle()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.peer?.receive(chunk, done)
  }

  override _final(done: Done): void {
    this.peer?.receiveEnd()
    done()
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#settle(new PosixError('EPIPE'))
    this.peer?.receiveEnd()
    done(error)
  }
}
