import { once } from 'node:events'
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { freezeSocket } from '../../../../src-main/practice/network/frozen-socket.ts'

const server = createServer()
afterEach(() => void server.close())

async function connected(): Promise<{ near: Socket; far: Socket }> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const far = createConnection({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  const [near] = (await once(server, 'connection')) as [Socket]
  return { near, far }
}

test('bytes for a socket that its owner gave up while the cable was cut disturb nobody', async () => {
  const { near, far } = await connected()
  near.resume()
  const frozen = freezeSocket(near)
  const closed = once(near, 'close')
  near.destroy()
  await closed
  far.on('error', () => undefined)
  await new Promise((sent) => far.write('still there?', sent))
  // two rounds of the loop: the bytes are here by the second, and would be read
  for (let round = 0; round < 2; round++) await new Promise((done) => setImmediate(done))
  expect(far.destroyed).toBe(false)
  const reset = new Promise((done) => far.once('close', done))
  frozen.cut()
  await reset
})
