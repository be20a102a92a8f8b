import type { Socket } from 'node:net'

import { PosixError, type PosixCode, type PracticeClock } from '../machine/machine.ts'
import type { Endpoint } from './loopback.ts'

/** How an attempt fails, and after which time on the machine's clock. */
export interface Unreachable {
  code: PosixCode
  afterMs: number
}

/**
 * connect(2): finds out where to go, goes there, and gives up after `timeoutMs` by the machine's clock. `reached` is called in the moment
 * the connection stands. Rejects with PosixError.
 */
export function dial(options: {
  clock: PracticeClock
  timeoutMs: number
  route: () => Promise<Endpoint | Unreachable>
  open: (to: Endpoint) => Socket
  reached: (socket: Socket) => void
}): Promise<Socket> {
  const { clock, timeoutMs, route, open, reached } = options
  return new Promise((resolve, reject) => {
    let socket: Socket | null = null
    let isSettled = false
    const timers = [clock.after(timeoutMs, () => fail('ETIMEDOUT'))]

    function settle(): void {
      isSettled = true
      for (const cancel of timers) cancel()
    }

    function fail(code: PosixCode): void {
      if (isSettled) return
      settle()
      socket?.destroy()
      reject(new PosixError(code))
    }

    async function go(): Promise<void> {
      const found = await route()
      if (isSettled) return
      if ('code' in found) {
        if (found.afterMs === 0) fail(found.code)
        else if (found.afterMs < timeoutMs) timers.push(clock.after(found.afterMs, () => fail(found.code)))
        return
      }
      const opened = open(found)
      socket = opened
      opened.once('error', (error) => fail(codeOf(error)))
      opened.once('connect', () => {
        if (isSettled) return
        settle()
        reached(opened)
        resolve(opened)
      })
    }

    go().catch((thrown: unknown) => {
      settle()
      reject(thrown instanceof Error ? thrown : new Error(String(thrown)))
    })
  })
}

function codeOf(error: Error): PosixCode {
  const code = 'code' in error ? error.code : null
  return code === 'ETIMEDOUT' || code === 'EHOSTUNREACH' || code === 'ECONNRESET' ? code : 'ECONNREFUSED'
}
