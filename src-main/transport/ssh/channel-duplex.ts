import { Duplex } from 'node:stream'
import type { ClientChannel } from 'ssh2'

/**
 * An ssh2 channel as an ordinary Duplex, half-open like a net.Socket with `allowHalfOpen`.
 *
 * ssh2's own stream never emits `close` before both sides ended, does not call back a write after the far side closed, and its
 * `destroy()` takes no error. This one does what Node's streams promise, and counts bytes so that it can stand in for a socket.
 */
export class ChannelDuplex extends Duplex {
  bytesRead = 0
  bytesWritten = 0
  readonly #channel: ClientChannel
  #farSideClosed = false
  #pendingWrite: ((error?: Error) => void) | null = null

  /**
   * `verdict` is for a channel with a program behind it: asked when the channel has closed, and only then does the stream end, with the
   * error that it gives. sshd may send the end of the output before the exit code that tells whether it is all.
   */
  constructor(channel: ClientChannel, verdict?: () => Error | null) {
    super({ allowHalfOpen: true })
    this.#channel = channel
    channel.on('data', (chunk: Buffer) => {
      // what nobody wants any more has to flow by, or the channel never closes
      if (this.destroyed) return
      this.bytesRead += chunk.length
      if (!this.push(chunk)) channel.pause()
    })
    if (verdict === undefined) channel.on('end', () => this.push(null))
    channel.on('error', (error: Error) => this.destroy(error))
    channel.on('close', () => {
      this.#farSideClosed = true
      if (this.#pendingWrite !== null) this.#settleWrite(brokenPipe())
      if (verdict === undefined || this.destroyed) return
      const error = verdict()
      if (error === null) this.push(null)
      else this.destroy(error)
    })
    // an unread stderr would stall the channel when its window is used up
    channel.stderr.resume()
    channel.pause()
  }

  override _read(): void {
    this.#channel.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#farSideClosed) return done(brokenPipe())
    this.bytesWritten += chunk.length
    this.#pendingWrite = done
    this.#channel.write(chunk, () => this.#settleWrite())
  }

  override _final(done: (error?: Error | null) => void): void {
    if (!this.#farSideClosed) this.#channel.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (this.#pendingWrite !== null) this.#settleWrite(error ?? brokenPipe())
    this.#channel.close()
    this.#channel.resume() // so that its own end and close can happen
    done(error)
  }

  #settleWrite(error?: Error): void {
    const done = this.#pendingWrite
    this.#pendingWrite = null
    done?.(error)
  }
}

function brokenPipe(): NodeJS.ErrnoException {
  return Object.assign(new Error('The other side closed the channel'), { code: 'EPIPE' })
}
