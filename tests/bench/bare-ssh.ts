/** The floor: ssh2 itself, one connection per node, the same bytes asked of the same sockets, the replies thrown away. */
import { connect } from 'node:net'
import { Client } from 'ssh2'
import type { Request } from './recording-session.ts'

export interface BareConnection {
  ask(requests: readonly Request[]): Promise<number>
  close(): void
}

export async function openBare(target: { host: string; port: number; privateKey: string }): Promise<BareConnection> {
  const socket = connect({ host: target.host, port: target.port, noDelay: true })
  const client = new Client()
  await new Promise<void>((resolve, reject) => {
    client.once('ready', resolve).once('error', reject)
    // The node was made for this run a moment ago: there is nobody to be impersonated by.
    client.connect({ sock: socket, username: 'root', privateKey: target.privateKey, hostVerifier: () => true })
  })
  // sshd turns TCP_NODELAY on with the first session channel only; without it every round trip costs 44 ms.
  await new Promise<void>((resolve, reject) =>
    client.exec('true', (error, stream) => (error ? reject(error) : stream.on('close', () => resolve()).resume())),
  )
  const askOne = (path: string, bytes: Buffer): Promise<number> =>
    new Promise((resolve, reject) => {
      client.openssh_forwardOutStreamLocal(path, (error, stream) => {
        if (error) return reject(error)
        let received = 0
        stream.on('data', (chunk: Buffer) => (received += chunk.length))
        stream.on('end', () => {
          stream.end()
          resolve(received)
        })
        stream.on('error', reject)
        // The master socket answers only to a half-closed connection; the worker's socket does not mind.
        stream.end(bytes)
      })
    })
  return {
    async ask(requests) {
      const sockets = requests.filter((request) => request.kind === 'socket')
      const sizes = await Promise.all(sockets.map(({ path, bytes }) => askOne(path, bytes)))
      return sizes.reduce((sum, size) => sum + size, 0)
    },
    close: () => client.end(),
  }
}
