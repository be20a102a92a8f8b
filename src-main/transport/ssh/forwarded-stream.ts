import type { Duplex } from 'node:stream'
import type { ClientChannel } from 'ssh2'
import { abortable } from './deadline.ts'
import { keepUnlessAborted } from './slots.ts'
import { goneError, socketStream } from './socket-stream.ts'

/** What a forwarded connection needs of the SSH connection that it goes over; `lost` aborts with an AppError. */
export interface ForwardShell {
  /** `user@host:port` */
  where: string
  lost: AbortSignal
  socketSlot: (signal: AbortSignal) => Promise<() => void>
}

type Opened = (error: Error | undefined, channel: ClientChannel) => void

/** A connection that sshd makes, as a stream; its place is free again when it has closed. The error instead: sshd did not make it. */
export async function forwardedStream(
  shell: ForwardShell,
  open: (opened: Opened) => void,
  signal: AbortSignal,
): Promise<Duplex | Error> {
  const release = await shell.socketSlot(signal)
  keepUnlessAborted(release, signal)
  return abortable(signal, (resolve, reject) => {
    const onOpened: Opened = (error, channel) => {
      if (error !== undefined) {
        release()
        return resolve(error)
      }
      channel.on('close', release)
      const stream = socketStream(channel, shell)
      if (signal.aborted) stream.destroy()
      else resolve(stream)
    }
    try {
      open(onOpened)
    } catch (error) {
      release()
      reject(goneError(shell, error))
    }
  })
}
