/*
 * A TCP connection whose cable was cut. Neither side may notice: nothing that arrives is handed on, nothing that is sent leaves, and an
 * end or a reset stays where it was made. Done with the methods that streams let an instance replace, because a daemon holds the socket
 * itself and reads, writes and resumes it as it likes.
 */
import { Socket } from 'node:net'

export interface FrozenSocket {
  /** The cable is back: what was held moves on. A socket that was destroyed meanwhile is reset. */
  thaw(): void
  /** Closes it for good. */
  cut(): void
}

const replaced = ['push', 'destroy', '_read', '_write', '_writev', '_final', '_destroy'] as const

export function freezeSocket(socket: Socket): FrozenSocket {
  const arrived: unknown[] = []
  let failed: Error | null = null
  let send: (() => void) | null = null
  let isGone = socket.destroyed

  if (!isGone) {
    takeBackFromHttp(socket)
    socket.push = (chunk: unknown) => {
      arrived.push(chunk)
      return false
    }
    socket.destroy = (error?: Error) => {
      // The kernel's word about the peer; everything else is the owner's own wish.
      if (error !== undefined && 'syscall' in error) failed = error
      else Socket.prototype.destroy.call(socket, error)
      return socket
    }
    socket._read = () => {}
    socket._write = (...call) => {
      send = () => socket._write(...call)
    }
    socket._writev = (...call) => {
      send = () => socket._writev?.(...call)
    }
    socket._final = (...call) => {
      send = () => socket._final(...call)
    }
    socket._destroy = (error, done) => {
      isGone = true
      stopReading(socket)
      done(error)
      process.nextTick(() => socket.emit('close', error !== null))
    }
  }

  function restore(): void {
    for (const method of replaced) Reflect.deleteProperty(socket, method)
  }

  /** Its owner has heard `close`; now the kernel's part goes too. */
  function bury(): void {
    socket.removeAllListeners()
    socket.on('error', () => {})
    socket._destroy(null, () => {})
  }

  return {
    thaw() {
      restore()
      if (isGone) return bury()
      send?.()
      for (const chunk of arrived) socket.push(chunk)
      if (failed !== null) socket.destroy(failed)
      else if (!arrived.includes(null)) socket._read(0)
    },
    cut() {
      restore()
      if (isGone) bury()
      else socket.destroy()
    },
  }
}

/** node:http reads a socket beneath its stream, until anybody else asks for data. Where nobody reads yet, asking would lose bytes. */
function takeBackFromHttp(socket: Socket): void {
  if (socket.readableFlowing === null) return
  const listener = (): void => {}
  socket.on('data', listener).off('data', listener)
}

/** The stream is gone and its handle is not: bytes that still came would be handed to the stream, which takes them for an error code and throws. */
function stopReading(socket: Socket): void {
  const { _handle: handle } = socket as Socket & { _handle?: { readStop(): void } | null }
  handle?.readStop()
}
