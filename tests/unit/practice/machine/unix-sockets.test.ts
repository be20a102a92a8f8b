import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { beforeEach, describe, expect, it } from 'vitest'

import type { Machine } from '../../../../src-main/practice/machine/machine.ts'
import { settled } from '../manual-clock.ts'
import { aMachine } from './a-machine.ts'

const path = '/run/admin.sock'

describe('unix sockets', () => {
  let machine: Machine

  beforeEach(async () => {
    ;({ machine } = await aMachine())
  })

  /** Both ends of one connection. */
  async function pair(): Promise<[Duplex, Duplex]> {
    const accepted = new Promise<Duplex>((resolve) => machine.sockets.listen(path, { mode: 0o600 }, resolve))
    return [machine.sockets.connect(path, 0), await accepted]
  }

  it('answers, and tells the daemon who called', async () => {
    machine.sockets.listen(path, { mode: 0o666 }, (stream, peer) => stream.end(`uid ${peer.uid}\n`))
    const chunks = await machine.sockets.connect(path, 1000).toArray()
    expect(Buffer.concat(chunks).toString()).toBe('uid 1000\n')
    expect(machine.files.stat(path)).toMatchObject({ kind: 'socket', mode: 0o666 })
  })

  it('can be half closed', async () => {
    const [client, server] = await pair()
    client.end('show info\n')
    expect(Buffer.concat(await server.toArray()).toString()).toBe('show info\n')
    server.end('Name: HAProxy\n')
    expect(Buffer.concat(await client.toArray()).toString()).toBe('Name: HAProxy\n')
    await settled()
    expect([client.destroyed, server.destroyed]).toEqual([true, true])
  })

  it('makes the writer wait while nobody reads', async () => {
    const [client, server] = await pair()
    const block = Buffer.alloc(64 * 1024)
    for (let count = 0; count < 64; count += 1) server.write(block)
    await settled()
    expect(server.writableNeedDrain).toBe(true)
    expect(client.readableLength).toBeLessThan(3 * block.length)
    server.end()
    const got = await client.toArray()
    expect(got.reduce((sum: number, chunk: Buffer) => sum + chunk.length, 0)).toBe(64 * block.length)
  })

  it('ends for the other side when one is destroyed; its writes fail', async () => {
    const [client, server] = await pair()
    server.write('partial')
    server.destroy()
    const error = once(client, 'error')
    expect(Buffer.concat([...(await client.take(1).toArray())]).toString()).toBe('partial')
    client.write('more')
    expect((await error)[0]).toMatchObject({ code: 'EPIPE' })
  })

  it('releases a writer whose peer is destroyed without reading', async () => {
    const [client, server] = await pair()
    for (let count = 0; count < 8; count += 1) server.write(Buffer.alloc(64 * 1024))
    await settled()
    const [error] = await Promise.all([once(server, 'error'), client.destroy()])
    expect(error[0]).toMatchObject({ code: 'EPIPE' })
  })

  it('refuses where nobody listens any more, although the socket is still there', () => {
    const listener = machine.sockets.listen(path, {}, () => {})
    listener.close()
    expect(machine.files.exists(path)).toBe(true)
    expect(() => machine.sockets.connect(path, 0)).toThrow('Connection refused')
    machine.sockets.listen(path, {}, () => {})
    machine.sockets.connect(path, 0)
  })

  it('says why it cannot connect or listen', () => {
    expect(() => machine.sockets.connect(path, 0)).toThrow('No such file or directory')
    machine.sockets.listen(path, { mode: 0o660, gid: 103 }, () => {})
    expect(() => machine.sockets.connect(path, 1000)).toThrow('Permission denied')
    expect(() => machine.sockets.listen(path, {}, () => {})).toThrow('Address already in use')
    machine.files.write('/etc/group', 'haproxy:x:103:nobody\n')
    machine.sockets.connect(path, 65534)
    expect(() => machine.sockets.listen('/etc/passwd', {}, () => {})).toThrow('Address already in use')
    expect(() => machine.sockets.connect('/etc/passwd', 0)).toThrow('Connection refused')
  })

  it('is still answered after it was renamed, as HAProxy does on a reload', async () => {
    machine.sockets.listen(`${path}.tmp`, {}, (stream) => stream.end('new'))
    machine.files.rename(`${path}.tmp`, path)
    expect(Buffer.concat(await machine.sockets.connect(path, 0).toArray()).toString()).toBe('new')
    machine.files.remove(path)
    machine.sockets.listen(path, {}, () => {})
  })
})
