import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { ExecResult, NodeSession } from '../../../../src-main/app/ports/node-session.ts'
import { createLocalSession } from '../../../contract/local-session.ts'

/** What to do with one request line: answer and close, or take the connection and do as told with it. */
export type Answer = string | ((socket: Socket) => void)

export interface Replay {
  readonly path: string
  readonly session: NodeSession
  /** as they arrived */
  readonly lines: string[]
  /** connections that were open at once, at most */
  mostOpen(): number
  /** connections that the driver has not let go */
  open(): number
  close(): Promise<void>
}

export const recorded = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/haproxy/${name}`, import.meta.url), 'utf8')

/** A real unix socket that answers like HAProxy: one line, one reply, closed. Commands on a node print what `exec` says. */
export async function openReplay(answer: (line: string) => Answer, exec = ''): Promise<Replay> {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-replay-'))
  const path = join(folder, 's')
  const sockets = new Set<Socket>()
  const lines: string[] = []
  let most = 0
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    most = Math.max(most, sockets.size)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => sockets.delete(socket))
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8')
      if (!text.endsWith('\n')) return
      lines.push(text)
      const reply = answer(text.slice(0, -1))
      if (typeof reply === 'string') socket.end(reply)
      else reply(socket)
    })
  })
  server.listen(path)
  await once(server, 'listening')
  const local = createLocalSession({ id: 'n1' })
  const streams: Duplex[] = []
  const result: ExecResult = { code: 0, signal: null, stdout: Buffer.from(exec), stderr: '', truncated: false }
  return {
    path,
    session: {
      ...local,
      exec: () => Promise.resolve(result),
      async openSocket(...args) {
        const stream = await local.openSocket(...args)
        streams.push(stream)
        return stream
      },
    },
    lines,
    mostOpen: () => most,
    open: () => streams.filter((stream) => !stream.destroyed).length,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
