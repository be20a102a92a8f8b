import { connect } from 'node:net'

/** Whether a TCP connection from this computer is taken within `timeoutMs`. Never rejects. */
export function reachesFromConsole(host: string, port: number, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs, signal })
    const end = (taken: boolean) => (): void => {
      socket.destroy()
      resolve(taken)
    }
    socket.once('connect', end(true)).once('timeout', end(false)).once('error', end(false))
  })
}
