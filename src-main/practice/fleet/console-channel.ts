import type { FromFleet, ToFleet } from './fleet-messages.ts'

/** What Electron gives a process that it starts, where Node gives `process.send`. See electron's documentation of `process.parentPort`. */
interface ElectronPort {
  on(event: 'message', listener: (event: { data: ToFleet }) => void): void
  postMessage(message: FromFleet): void
}

/** The way to the console that started this process. Without the console the process ends: Electron sees to it itself. */
export function consoleChannel(): { post(message: FromFleet): void; onCall(listener: (call: ToFleet) => void): void } {
  const { parentPort } = process as { parentPort?: ElectronPort }
  if (parentPort !== undefined) {
    return {
      post: (message) => parentPort.postMessage(message),
      onCall: (listener) => parentPort.on('message', ({ data }) => listener(data)),
    }
  }
  process.once('disconnect', () => process.exit())
  return {
    post: (message) => void process.send?.(message),
    onCall: (listener) => void process.on('message', listener),
  }
}
