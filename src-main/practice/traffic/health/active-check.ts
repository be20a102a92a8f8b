import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { PosixError, type MachineNetwork, type PracticeClock } from '../../machine/machine.ts'
import type { ActiveCheck, CheckResult } from '../traffic.ts'

export interface Endpoint {
  readonly address: string
  readonly port: number
}

export type Probe = (check: ActiveCheck, at: Endpoint) => Promise<CheckResult>

/** enough of a body to say how a backend is */
const mostBodyBytes = 4096

/** Asks servers over real connections from `pid`. Never rejects: not being able to ask is a result. */
export function createProbe(network: MachineNetwork, clock: PracticeClock, pid: number): Probe {
  return async (check, at) => {
    const startedAt = clock.monotonic()
    const result = (rest: Pick<CheckResult, 'word' | 'text'> & Partial<CheckResult>): CheckResult => ({
      passed: false,
      code: null,
      degraded: false,
      said: '',
      ...rest,
      durationMs: clock.monotonic() - startedAt,
      at: clock.now(),
    })
    let socket: Socket
    try {
      socket = await network.connect({ ...at, port: check.port ?? at.port, pid, timeoutMs: check.timeoutMs })
    } catch (thrown) {
      const code = thrown instanceof PosixError ? thrown.code : null
      const text = thrown instanceof Error ? thrown.message : String(thrown)
      return result({ word: code === 'ETIMEDOUT' ? 'L4TOUT' : 'L4CON', text })
    }
    socket.on('error', () => socket.destroy())
    if (check.kind === 'tcp' || check.request === null) {
      socket.destroy()
      return result({ passed: true, word: 'L4OK', text: '' })
    }
    let late = false
    const cancel = clock.after(check.timeoutMs - (clock.monotonic() - startedAt), () => {
      late = true
      socket.destroy()
    })
    try {
      const { status, text, degraded, headers } = await ask(socket, check.request)
      if (!check.passes(status)) return result({ word: 'L7STS', code: status, text })
      const said = check.saidBy === null ? '' : String(headers[check.saidBy.toLowerCase()] ?? '')
      return result({ passed: true, word: 'L7OK', code: status, text, degraded, said })
    } catch (thrown) {
      const text = thrown instanceof Error ? thrown.message : String(thrown)
      return late ? result({ word: 'L7TOUT', text: '' }) : result({ word: 'L7RSP', text })
    } finally {
      cancel()
      socket.destroy()
    }
  }
}

function ask(
  socket: Socket,
  { method, path, headers }: NonNullable<ActiveCheck['request']>,
): Promise<{ status: number; text: string; degraded: boolean; headers: IncomingMessage['headers'] }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ method, path, headers, createConnection: () => socket }, (response) => {
      const chunks: Buffer[] = []
      let length = 0
      response.on('data', (chunk: Buffer) => {
        if (length < mostBodyBytes) chunks.push(chunk)
        length += chunk.length
        if (length >= mostBodyBytes) done()
      })
      const done = (): void =>
        resolve({
          status: response.statusCode ?? 0,
          text: response.statusMessage ?? '',
          headers: response.headers,
          degraded: isDegraded(response, Buffer.concat(chunks).toString()),
        })
      response.on('end', done)
      response.on('error', reject)
    })
    request.on('error', reject)
    request.end()
  })
}

/** The deep check: the backend answers well and says that something it depends on does not. */
function isDegraded({ headers }: IncomingMessage, body: string): boolean {
  return String(headers['x-health']).startsWith('degraded') || /"status"\s*:\s*"degraded"/.test(body)
}
