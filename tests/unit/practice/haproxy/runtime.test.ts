import { createServer } from 'node:http'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseShowProc } from '../../../../src-main/domain/haproxy/parse-show-proc.ts'
import { createManualClock, settled, type ManualClock } from '../manual-clock.ts'
import { aBalancer, configPath, type Balancer } from './a-balancer.ts'

const config = `global
    stats socket /run/admin.sock mode 600 level admin
    user haproxy
    server-state-file /etc/haproxy/state
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
frontend web
    bind *:8080
    http-request deny deny_status 429 if { path /much }
    use_backend shop if { path_beg /shop }
    default_backend app
frontend raw
    mode tcp
    bind *:8081
    default_backend tcp
backend app
    option forwardfor
    server w1 127.0.0.1:9001 weight 10
    server w2 127.0.0.1:9002 weight 10
backend shop
    cookie SRV insert indirect nocache
    server s1 127.0.0.1:9001 cookie one
    server s2 127.0.0.1:9002 cookie two
backend tcp
    mode tcp
    server t1 127.0.0.1:9001
`

describe('the practice HAProxy', () => {
  let clock: ManualClock
  let balancer: Balancer
  /** answers with its name; `/slow` never ends */
  const serve = (port: number): void => {
    const http = createServer((request, response) => {
      if (request.url === '/slow') return void response.writeHead(200).write('first part')
      response.end(`${port} ${request.headers['x-forwarded-for'] ?? ''}`)
    })
    balancer.machine.network.listen({ address: '*', port, pid: 1 }, ({ socket }) => http.emit('connection', socket))
  }
  const dial = (port: number): Promise<Socket> =>
    balancer.machine.network.connect({ address: own(), port, pid: 900, timeoutMs: 2000 })
  const own = (): string => balancer.machine.network.addresses()[0]?.address ?? ''
  /** one request on a connection of its own; the whole answer */
  async function get(path: string, headers = ''): Promise<string> {
    const socket = await dial(8080)
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`)
    await once(socket, 'end')
    return text
  }
  const workers = async () => parseShowProc(await balancer.ask('master', 'show proc'))
  /** USR2 to the master, and what it takes */
  async function reload(ms = 30): Promise<void> {
    const master = balancer.machine.processes.list().find(({ name, uid }) => name === 'haproxy' && uid === 0)
    balancer.machine.processes.signal(master?.pid ?? 0, 'USR2')
    await clock.advance(ms)
  }

  beforeEach(async () => {
    clock = createManualClock()
    balancer = await aBalancer(clock)
    serve(9001)
    serve(9002)
    balancer.write(config)
    expect(await balancer.start('-p', '/run/haproxy.pid')).toMatchObject({ code: 0, stderr: '' })
  })
  afterEach(() => balancer.close())

  it('runs as a master of root and a worker of its user, with a pid file', () => {
    const [master, worker] = balancer.machine.processes.list().filter(({ name }) => name === 'haproxy')
    expect(master).toMatchObject({ uid: 0, parentPid: 1 })
    expect(worker).toMatchObject({ uid: 101, parentPid: master?.pid })
    expect(balancer.machine.files.read('/run/haproxy.pid').toString()).toBe(`${master?.pid}\n`)
  })

  it('forwards by its rules, and drains and puts back', async () => {
    expect(await get('/')).toContain(`9001 ${own()}`)
    expect(await get('/')).toContain('9002')
    expect(await get('/much')).toMatch(/^HTTP\/1.1 429 /)
    expect(await balancer.ask('admin', 'set server app/w2 state drain')).toBe('\n')
    expect([await get('/'), await get('/')].every((answer) => answer.includes('9001'))).toBe(true)
    expect(await balancer.ask('admin', 'set server app/w1 state maint')).toBe('\n')
    expect(await get('/')).toMatch(/^HTTP\/1.1 503 [^]*No server is available to handle this request/)
    await balancer.ask('admin', 'set server app/w2 state ready')
    expect(await get('/')).toContain('9002')
  })

  it('keeps a client with its cookie on a draining server', async () => {
    expect(await get('/shop')).toMatch(/set-cookie: SRV=one/i)
    await balancer.ask('admin', 'set server shop/s1 state drain')
    expect(await get('/shop', 'Cookie: SRV=one\r\n')).toContain('9001')
    expect(await get('/shop')).toContain('9002')
    await balancer.ask('admin', 'set server shop/s1 state maint')
    expect(await get('/shop', 'Cookie: SRV=one\r\n')).toContain('9002')
  })

  it('says which entries of a stick table lead to a server', async () => {
    const stick = '    stick-table type ip size 100 expire 30m\n    stick on src\n'
    balancer.write(config.replace('\nbackend app\n', `\nbackend app\n${stick}`))
    await reload()
    await get('/')
    const [, id] = /server_id=(\d+)/.exec(await balancer.ask('admin', 'show table app')) ?? []
    expect(await balancer.ask('admin', `show table app data.server_id eq ${id}`)).toMatch(/^# table: app.*\n0x\w+: key=/)
    expect(await balancer.ask('admin', 'show table app data.server_id eq 99')).toMatch(/^# table: app.*\n\n*$/)
  })

  it('counts the requests of an address and refuses the ones that are too many', async () => {
    const limit = `    stick-table type ip size 100 expire 30s store http_req_rate(10s)
    http-request track-sc0 src
    http-request deny deny_status 429 if { sc_http_req_rate(0) gt 3 }
`
    balancer.write(config.replace('    bind *:8080\n', `    bind *:8080\n${limit}`))
    await reload()
    const statuses: string[] = []
    for (let request = 0; request < 5; request++) statuses.push((await get('/')).slice(9, 12))
    expect(statuses).toEqual(['200', '200', '200', '429', '429'])
    expect(await balancer.ask('admin', 'show table web')).toMatch(
      /used:1\n0x\w+: key=\S+ use=0 exp=\d+ http_req_rate\(10000\)=5\n/,
    )
    await balancer.ask('admin', 'clear table web')
    expect(await get('/')).toMatch(/^HTTP\/1.1 200/)
  })

  it('loses its state at a reload; the old worker lingers until its last session ends', async () => {
    const streaming = await dial(8080)
    streaming.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(streaming, 'data')
    await balancer.ask('admin', 'set server app/w1 state drain')
    const [first] = await workers()
    await reload()
    const [current, old] = await workers()
    expect(old).toMatchObject({ pid: first?.pid, generation: 'old' })
    expect(current?.pid).toBeGreaterThan(first?.pid ?? 0)
    expect(await balancer.ask('admin', 'show servers state app')).toMatch(/ w1 127.0.0.1 2 0 10 10 /)
    expect(await balancer.ask('master', `@!${old?.pid} show info`)).toContain('Stopping: 1')
    expect(await balancer.ask('master', `@!${old?.pid} set server app/w1 state drain`)).toBe('Proxy is disabled.\n\n')
    expect(await balancer.ask('master', `@!${old?.pid} shutdown sessions server app/w1`)).toBe('Proxy is disabled.\n\n')
    const session = /^(0x\w+): .* be=app srv=w1 /m.exec(await balancer.ask('master', `@!${old?.pid} show sess`))?.[1] ?? ''
    expect(await balancer.ask('master', `@!${old?.pid} shutdown session ${session}`)).toBe('\n')
    await settled()
    await expect.poll(async () => (await workers()).map(({ pid }) => pid)).toEqual([current?.pid])
    streaming.destroy()
  })

  it('brings drain and weight back from a saved state', async () => {
    balancer.write(config.replace('defaults\n', 'defaults\n    load-server-state-from-file global\n'))
    await balancer.ask('admin', 'set server app/w1 state drain')
    await balancer.ask('admin', 'set server app/w2 weight 3')
    balancer.machine.files.write('/etc/haproxy/state', await balancer.ask('admin', 'show servers state'))
    await reload()
    const state = await balancer.ask('admin', 'show servers state app')
    expect(state).toMatch(/ w1 127.0.0.1 2 8 10 10 /)
    expect(state).toMatch(/ w2 127.0.0.1 2 0 3 10 /)
  })

  it('stays as it is when the new configuration is refused, and counts it', async () => {
    const [before] = await workers()
    balancer.write(`${config}    balnce roundrobin\n`)
    await reload()
    expect(await balancer.ask('master', 'show proc')).toMatch(/master +1 \[failed: 1\]/)
    expect((await workers()).map(({ pid }) => pid)).toEqual([before?.pid])
    expect(balancer.machine.files.read('/var/log/syslog').toString()).toContain(
      `parsing [${configPath}:30] : unknown keyword 'balnce' in 'backend' section; did you mean 'balance' maybe ?`,
    )
    balancer.write(config)
    await reload()
    expect(await balancer.ask('master', 'show proc')).toMatch(/master +2 \[failed: 0\]/)
  })

  it('is gone for two seconds when an address of the new configuration is in use', async () => {
    balancer.machine.network.listen({ address: '*', port: 8085, pid: 1 }, ({ socket }) => socket.destroy())
    balancer.write(config.replace('bind *:8081', 'bind *:8085'))
    await reload()
    await expect(dial(8080)).rejects.toThrow('Connection refused')
    expect(() => balancer.machine.sockets.connect('/run/master.sock', 0)).toThrow('Connection refused')
    await clock.advance(2000)
    expect(await get('/')).toContain('900')
    expect(await balancer.ask('master', 'show proc')).toMatch(/\[failed: 1\]/)
  })

  it('cuts what is left after hard-stop-after', async () => {
    balancer.write(config.replace('global\n', 'global\n    hard-stop-after 4s\n'))
    await reload()
    const tcp = await dial(8081)
    await settled()
    const cut = once(tcp, 'close')
    await reload()
    expect(await workers()).toHaveLength(2)
    await clock.advance(4000)
    await cut
    await expect.poll(async () => (await workers()).length).toBe(1)
  })

  it('answers nothing while it is stopped, and goes on afterwards', async () => {
    const [, worker] = balancer.machine.processes.list().filter(({ name }) => name === 'haproxy')
    balancer.machine.processes.signal(worker?.pid ?? 0, 'STOP')
    let answer = ''
    const asked = balancer.ask('admin', 'show version').then((text) => (answer = text))
    await settled()
    expect(answer).toBe('')
    balancer.machine.processes.signal(worker?.pid ?? 0, 'CONT')
    expect(await asked).toBe('2.6.12-1+deb12u4\n\n')
  })

  it('ends as a whole when its worker is killed', async () => {
    const [, worker] = balancer.machine.processes.list().filter(({ name }) => name === 'haproxy')
    balancer.machine.processes.signal(worker?.pid ?? 0, 'KILL')
    await settled()
    expect(balancer.machine.processes.list().filter(({ name }) => name === 'haproxy')).toEqual([])
    expect(() => balancer.machine.sockets.connect('/run/admin.sock', 0)).toThrow('Connection refused')
    await expect(dial(8080)).rejects.toThrow('Connection refused')
  })

  it('finishes softly by USR1', async () => {
    const tcp = await dial(8081)
    await settled()
    const [master] = balancer.machine.processes.list().filter(({ name }) => name === 'haproxy')
    balancer.machine.processes.signal(master?.pid ?? 0, 'USR1')
    await settled()
    await expect(dial(8080)).rejects.toThrow('Connection refused')
    expect(balancer.machine.processes.list().filter(({ name }) => name === 'haproxy')).toHaveLength(2)
    tcp.destroy()
    await expect.poll(() => balancer.machine.processes.list().filter(({ name }) => name === 'haproxy').length).toBe(0)
  })

  describe('on its runtime socket', () => {
    const open = (): { text: () => string; ended: () => boolean; send: (line: string) => void; close: () => void } => {
      const stream = balancer.machine.sockets.connect('/run/admin.sock', 0)
      let text = ''
      let ended = false
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
      stream.on('end', () => (ended = true))
      return {
        text: () => text,
        ended: () => ended,
        send: (line) => void stream.write(line),
        close: () => void stream.destroy(),
      }
    }

    it('does not answer before the line feed, and answers every line that is there', async () => {
      const client = open()
      client.send('show version')
      await settled()
      expect(client.text()).toBe('')
      client.send('\nshow cli level\n')
      await settled()
      expect(client.text()).toBe('2.6.12-1+deb12u4\n\nadmin\n\n')
      expect(client.ended()).toBe(true)
    })

    it('stays with prompt until its time limit', async () => {
      const client = open()
      client.send('prompt\n')
      await settled()
      client.send('set timeout cli 5\n')
      await settled()
      expect(client.text()).toBe('\n> \n> ')
      await clock.advance(4999)
      expect(client.ended()).toBe(false)
      await clock.advance(1)
      expect(client.ended()).toBe(true)
    })

    it('serves ten at a time, and loses a slot for ever to a line that is too long', async () => {
      const held = Array.from({ length: 10 }, open)
      for (const { send } of held) send('prompt\n')
      await settled()
      const waiting = open()
      waiting.send('show cli level\n')
      await settled()
      expect(waiting.text()).toBe('')
      held[0]?.close()
      await settled()
      expect(waiting.text()).toBe('admin\n\n')
      for (const { close } of held) close()
      await settled()

      const leaking = Array.from({ length: 10 }, open)
      for (const { send } of leaking) send(`${'x'.repeat(15_400)}\n`)
      await settled()
      for (const { close } of leaking) close()
      await settled()
      const last = open()
      last.send('show cli level\n')
      await settled()
      expect(last.text()).toBe('')
    })
  })
})
