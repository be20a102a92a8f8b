import type { Duplex } from 'node:stream'
import type { NodeSession } from '../../src-main/app/ports/node-session.ts'

/** One thing a driver asked of a node: enough to ask for the same bytes again over a bare connection. */
export type Request = { kind: 'socket'; path: string; bytes: Buffer } | { kind: 'other'; what: string }

/** Passes everything through and writes down what was asked. */
export function recordSession(session: NodeSession, requests: Request[]): NodeSession {
  return {
    nodeId: session.nodeId,
    exec: (argv, options) => {
      requests.push({ kind: 'other', what: argv.join(' ') })
      return session.exec(argv, options)
    },
    async openSocket(path, options) {
      const socket: Duplex = await session.openSocket(path, options)
      const request = { kind: 'socket' as const, path, bytes: Buffer.alloc(0) }
      requests.push(request)
      const write = socket.write.bind(socket)
      const end = socket.end.bind(socket)
      const note = (chunk: unknown): void => {
        if (typeof chunk === 'string' || Buffer.isBuffer(chunk))
          request.bytes = Buffer.concat([request.bytes, Buffer.from(chunk)])
      }
      socket.write = ((chunk: unknown, ...rest: never[]) => {
        note(chunk)
        return write(chunk, ...rest)
      }) as Duplex['write']
      socket.end = ((chunk: unknown, ...rest: never[]) => {
        note(chunk)
        return end(chunk, ...rest)
      }) as Duplex['end']
      return socket
    },
    openTcp: (...args) => session.openTcp(...args),
    readFile: (path, options) => {
      requests.push({ kind: 'other', what: path })
      return session.readFile(path, options)
    },
    replaceFile: (...args) => session.replaceFile(...args),
    traffic: () => session.traffic(),
  }
}
