import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect as connectTcp, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { createMachine } from '../../../../src-main/practice/machine/create-machine.ts'
import type { Machine } from '../../../../src-main/practice/machine/machine.ts'
import { claimLoopback, type Loopback } from '../../../../src-main/practice/network/loopback.ts'
import { createSegment, type Segment } from '../../../../src-main/practice/network/segment.ts'
import { createManualClock, settled, type ManualClock } from '../manual-clock.ts'

/** Both ways a system may treat 127.N.x.y. */
describe.each([{ native: true }, { native: false }])('a segment (native: $native)', ({ native }) => {
  let loopback: Loopback
  let segment: Segment
  let clock: ManualClock
  let one: Machine
  let two: Machine
  let three: Machine

  beforeEach(async () => {
    loopback = await claimLoopback({ native })
    segment = createSegment(loopback, 0)
    clock = createManualClock()
    const [first, second, third] = ['lb1', 'lb2', 'client'].map((name, index) =>
      createMachine({ name, clock, segment, address: segment.address(index + 1) }),
    )
    if (first === undefined || second === undefined || third === undefined) throw new Error('three machines')
    ;[one, two, three] = [first, second, third]
  })
  afterEach(async () => {
    await segment.close()
    await loopback.close()
  })

  const own = (machine: Machine): string => machine.network.addresses()[0]?.address ?? ''
  const vip = (): { address: string; prefixLength: number } => ({ ...segment.address(100), prefixLength: 32 })

  /** Says its name and then echoes. */
  function serve(machine: Machine, address: string, port = 8080): ReturnType<Machine['network']['listen']> {
    return machine.network.listen({ address, port, pid: 700 }, ({ socket }) => {
      socket.write(`${machine.name}\n`)
      socket.on('data', (chunk) => socket.write(chunk))
    })
  }

  const call = (from: Machine, address: string, port = 8080): Promise<Socket> =>
    from.network.connect({ address, port, pid: 900, timeoutMs: 1000 })

  async function read(socket: Socket): Promise<string> {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    return chunk.toString()
  }

  it('carries bytes between machines, and each knows the other by its practice address', async () => {
    const accepted = new Promise<{ local: object; remote: { address: string } }>((resolve) => {
      one.network.listen({ address: own(one), port: 8080, pid: 700 }, (connection) => {
        connection.socket.end('hello')
        resolve(connection)
      })
    })
    const socket = await call(three, own(one))
    expect(await read(socket)).toBe('hello')
    const { local, remote } = await accepted
    expect(local).toEqual({ address: own(one), port: 8080 })
    expect(remote).toEqual({ address: own(three), port: socket.localPort })
    expect(three.network.sockets()).toContainEqual({
      state: 'ESTAB',
      local: { address: own(three), port: socket.localPort },
      remote: { address: own(one), port: 8080 },
      pid: 900,
      bytesSent: expect.any(Number) as number,
      bytesReceived: expect.any(Number) as number,
    })
  })

  it('is found by outsiders through locate, at a loopback address', async () => {
    serve(one, '*')
    const found = await segment.locate(own(one), 8080)
    expect(found?.address).toBe(native ? own(one) : '127.0.0.1')
    const socket = connectTcp(found?.port ?? 0, found?.address)
    expect(await read(socket)).toBe('lb1\n')
    socket.destroy()
    expect(await segment.locate(own(one), 8081)).toBeNull()
    expect(await segment.locate(own(two), 8080)).toBeNull()
  })

  it('refuses where nobody listens, and again after the listener closed', async () => {
    await expect(call(three, own(one))).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    const listener = serve(one, own(one))
    const socket = await call(three, own(one))
    expect(await read(socket)).toBe('lb1\n')
    listener.close()
    await expect(call(three, own(one))).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    socket.write('still here')
    expect(await read(socket)).toBe('still here')
  })

  it('gives a moved address to the machine that announced it last', async () => {
    serve(one, '*')
    serve(two, '*')
    one.network.addAddress(vip())
    expect(await read(await call(three, vip().address))).toBe('lb1\n')
    two.network.addAddress(vip())
    expect(await read(await call(three, vip().address))).toBe('lb1\n')
    two.network.announce(vip().address)
    expect(await read(await call(three, vip().address))).toBe('lb2\n')
    two.network.removeAddress(vip().address)
    expect(await read(await call(three, vip().address))).toBe('lb1\n')
  })

  it('moves an address without its port being bound again', async () => {
    serve(one, '*')
    serve(two, '*')
    one.network.addAddress(vip())
    const before = await segment.locate(vip().address, 8080)
    one.network.removeAddress(vip().address)
    two.network.addAddress(vip())
    two.network.announce(vip().address)
    expect(await segment.locate(vip().address, 8080)).toEqual(before)
    expect(await read(await call(three, vip().address))).toBe('lb2\n')
  })

  it('refuses at a moved address whose new machine does not listen', async () => {
    serve(one, '*')
    one.network.addAddress(vip())
    await call(three, vip().address)
    two.network.addAddress(vip())
    two.network.announce(vip().address)
    await expect(call(three, vip().address)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('cuts what ran through a removed address, and nothing else', async () => {
    serve(one, '*')
    one.network.addAddress(vip())
    const through = await call(three, vip().address)
    const beside = await call(three, own(one))
    await Promise.all([read(through), read(beside)])
    const [error] = await Promise.all([once(through, 'error'), one.network.removeAddress(vip().address)])
    expect(error[0]).toMatchObject({ code: 'ECONNRESET' })
    beside.write('alive')
    expect(await read(beside)).toBe('alive')
  })

  it('times out towards a cut cable, and carries on when it is back', async () => {
    serve(one, own(one))
    const socket = await call(three, own(one))
    expect(await read(socket)).toBe('lb1\n')
    one.network.setLink(false)
    let got = ''
    socket.on('data', (chunk: Buffer) => (got += chunk.toString()))
    socket.write('lost?')
    const late = call(three, own(one)).catch((error: unknown) => error)
    await clock.advance(999)
    expect(got).toBe('')
    await clock.advance(1)
    expect(await late).toMatchObject({ code: 'ETIMEDOUT' })
    one.network.setLink(true)
    await once(socket, 'data')
    expect(got).toBe('lost?')
    expect(await read(await call(three, own(one)))).toBe('lb1\n')
  })

  it('hides a cut from node:http too, which reads beneath the stream', async () => {
    const asked: (string | undefined)[] = []
    const server = createServer((request, response) => {
      asked.push(request.url)
      response.end('ok')
    })
    one.network.listen({ address: '*', port: 80, pid: 700 }, ({ socket }) => server.emit('connection', socket))
    const socket = await call(three, own(one), 80)
    const ask = (path: string) => socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
    ask('/before')
    expect(await read(socket)).toContain('200 OK')
    one.network.setLink(false)
    ask('/during')
    await settled()
    await settled()
    expect(asked).toEqual(['/before'])
    one.network.setLink(true)
    expect(await read(socket)).toContain('200 OK')
    ask('/after')
    expect(await read(socket)).toContain('200 OK')
    expect(asked).toEqual(['/before', '/during', '/after'])
    server.close()
  })

  it('keeps what both ends do during a cut until the cable is back', async () => {
    const accepted = new Promise<Socket>((resolve) =>
      one.network.listen({ address: '*', port: 80, pid: 700 }, ({ socket }) => resolve(socket)),
    )
    const here = await call(three, own(one), 80)
    const there = await accepted
    there.allowHalfOpen = true
    const heard: string[] = []
    there.on('data', (chunk: Buffer) => heard.push(chunk.toString())).on('end', () => heard.push('end'))
    here.on('data', (chunk: Buffer) => heard.push(`reply ${chunk.toString()}`)).on('end', () => heard.push('reply end'))
    one.network.setLink(false)
    here.end('question')
    there.write('an')
    there.end('swer')
    await settled()
    await settled()
    expect(heard).toEqual([])
    one.network.setLink(true)
    await Promise.all([once(here, 'close'), once(there, 'close')])
    const replies = heard.filter((word) => word.startsWith('reply ') && word !== 'reply end').map((word) => word.slice(6))
    expect(replies.join('')).toBe('answer')
    expect(heard.filter((word) => !word.startsWith('reply '))).toEqual(['question', 'end'])
    expect(heard).toContain('reply end')
  })

  it('takes a call that came while the cable was out once it is back', async () => {
    serve(one, '*')
    const found = await segment.locate(own(one), 8080)
    one.network.setLink(false)
    const outsider = connectTcp(found?.port ?? 0, found?.address)
    let got = ''
    outsider.on('data', (chunk: Buffer) => (got += chunk.toString()))
    await once(outsider, 'connect')
    await settled()
    expect(got).toBe('')
    one.network.setLink(true)
    if (got === '') await once(outsider, 'data')
    expect(got).toBe('lb1\n')
    outsider.destroy()
  })

  it('lets a machine hold an address that is not a practice address, and binds nothing for it', async () => {
    serve(one, '*')
    one.network.addAddress({ address: '192.0.2.7', prefixLength: 32 })
    one.network.announce('192.0.2.7')
    expect(await segment.locate('192.0.2.7', 8080)).toBeNull()
    expect(await read(await call(one, '192.0.2.7'))).toBe('lb1\n')
    await expect(call(three, '192.0.2.7')).rejects.toMatchObject({ code: 'EHOSTUNREACH' })
  })

  it('finds no route where nobody holds the address, after the time that takes', async () => {
    const attempt = three.network
      .connect({ address: segment.address(77).address, port: 80, pid: 900, timeoutMs: 5000 })
      .catch((error: unknown) => error)
    await clock.advance(3000)
    expect(await attempt).toMatchObject({ code: 'EHOSTUNREACH' })
    await expect(call(three, '192.0.2.1')).rejects.toMatchObject({ code: 'EHOSTUNREACH' })
  })

  it('leaves its peers waiting when the power goes, and refuses when it is back without daemons', async () => {
    serve(one, '*')
    one.network.addAddress(vip())
    const socket = await call(three, own(one))
    expect(await read(socket)).toBe('lb1\n')
    let isClosed = false
    socket.on('close', () => (isClosed = true)).on('error', () => {})
    await one.powerOff()
    const late = call(three, own(one)).catch((error: unknown) => error)
    await clock.advance(1000)
    expect(await late).toMatchObject({ code: 'ETIMEDOUT' })
    expect(isClosed).toBe(false)
    expect(one.network.addresses()).toHaveLength(1)
    expect(one.network.sockets()).toEqual([])
    one.powerOn()
    await expect(call(three, own(one))).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    if (!isClosed) await once(socket, 'close')
    expect(isClosed).toBe(true)
  })

  it('has a localhost of its own on each machine, cable or not', async () => {
    serve(one, '127.0.0.1', 9000)
    serve(two, '*', 9000)
    two.network.setLink(false)
    expect(await read(await call(one, '127.0.0.1', 9000))).toBe('lb1\n')
    expect(await read(await call(two, '127.0.0.1', 9000))).toBe('lb2\n')
    expect(await read(await call(two, own(two), 9000))).toBe('lb2\n')
    await expect(call(three, '127.0.0.1', 9000)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await expect(call(three, own(one), 9000)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('says which sockets a process holds, and closes them with it', async () => {
    const daemon = one.processes.spawn({ argv: ['haproxy'], exe: '/usr/sbin/haproxy' })
    const accepted = new Promise((resolve) => one.network.listen({ address: '*', port: 80, pid: daemon.pid }, resolve))
    const socket = await call(three, own(one), 80)
    await accepted
    expect(one.network.sockets().map(({ state, pid }) => [state, pid])).toEqual([
      ['LISTEN', daemon.pid],
      ['ESTAB', daemon.pid],
    ])
    const closed = once(socket.resume(), 'close')
    one.processes.signal(daemon.pid, 'KILL')
    await closed
    expect(one.network.sockets()).toEqual([])
    await expect(call(three, own(one), 80)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('knows which addresses may be listened on', () => {
    const listen = (address: string, port: number, nonlocal = false) =>
      one.network.listen({ address, port, pid: 700, nonlocal }, () => {})
    listen('*', 80)
    expect(() => listen(own(one), 80)).toThrow('Address already in use')
    listen(own(one), 81)
    expect(() => listen('*', 81)).toThrow('Address already in use')
    expect(() => listen(vip().address, 82)).toThrow('Cannot assign requested address')
    expect(listen(vip().address, 82, true)).toMatchObject({ address: vip().address, port: 82 })
    expect(() => one.network.addAddress({ address: own(one), prefixLength: 20 })).toThrow('File exists')
  })

  it('carries advertisements to the others while cables and rules let them', async () => {
    const heard: string[] = []
    for (const machine of [one, two, three]) {
      machine.network.onSegment((packet, source) => heard.push(`${machine.name} ${packet.toString()} ${source}`))
    }
    const send = async (from: Machine): Promise<string[]> => {
      heard.length = 0
      from.network.sendToSegment(Buffer.from('advert'), own(from))
      await settled()
      return heard
    }
    expect(await send(one)).toEqual([`lb2 advert ${own(one)}`, `client advert ${own(one)}`])
    two.network.setAdvertsBlocked(true)
    expect(await send(one)).toEqual([`client advert ${own(one)}`])
    expect(await send(two)).toEqual([])
    two.network.setAdvertsBlocked(false)
    three.network.setLink(false)
    expect(await send(one)).toEqual([`lb2 advert ${own(one)}`])
    expect(await send(three)).toEqual([])
  })
})

describe('a loopback network', () => {
  it('is not shared with another practice fleet', async () => {
    const one = await claimLoopback()
    const other = await claimLoopback()
    expect(other.network).toBeGreaterThan(one.network)
    await Promise.all([one.close(), other.close()])
  })

  it('never leaves loopback', async () => {
    const loopback = await claimLoopback({ native: false })
    expect(() => loopback.connect({ address: '192.0.2.1', port: 80 }, '127.0.0.1')).toThrow('stays on loopback')
    await loopback.close()
  })

  it('leaves no server and no connection behind', async () => {
    const handles = (): string[] => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP'))
    await settled()
    const before = handles()
    const loopback = await claimLoopback()
    const segment = createSegment(loopback, 0)
    const clock = createManualClock()
    const machines = [1, 2, 3, 4].map((host) =>
      createMachine({ name: `node${host}`, clock, segment, address: segment.address(host) }),
    )
    const address = segment.address(1).address
    for (const machine of machines) {
      machine.network.listen({ address: '*', port: 8080, pid: 700 }, ({ socket }) => socket.resume())
      machine.network.listen({ address: '127.0.0.1', port: 9000, pid: 700 }, ({ socket }) => socket.resume())
      await machine.network.connect({ address, port: 8080, pid: 900, timeoutMs: 1000 })
      await machine.network.connect({ address: '127.0.0.1', port: 9000, pid: 900, timeoutMs: 1000 })
    }
    expect(handles().length).toBeGreaterThan(before.length + 12)
    machines[3]?.network.setLink(false)
    for (const machine of machines) await machine.powerOff()
    await segment.close()
    await loopback.close()
    await settled()
    expect(handles()).toEqual(before)
  })
})
