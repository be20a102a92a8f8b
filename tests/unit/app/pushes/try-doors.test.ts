import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { NodeId } from '#contract'
import type { BoundService, ConfigFileReading } from '../../../../src-main/app/ports/driver.ts'
import { AppError } from '../../../../src-main/app/app-error.ts'
import { watchDoors, type Vantage } from '../../../../src-main/app/pushes/try-doors.ts'
import type { NodeServices } from '../../../../src-main/app/pushes/parties.ts'
import { systemClock } from '../../../../src-main/system-clock.ts'
import { createLocalSession } from '../../../contract/local-session.ts'
import { fakeNode } from './fake-node.ts'

const limits = { signal: new AbortController().signal, timeoutMs: 5000 }
const servers: Server[] = []
afterEach(() => servers.splice(0).forEach((server) => server.close()))

/** A server that treats each connection as it is told at the time. */
async function door(): Promise<{ port: number; behave: (how: (socket: Socket) => void) => void }> {
  let how: (socket: Socket) => void = () => undefined
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    how(socket)
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, behave: (next) => (how = next) }
}

/** lb1, whose HAProxy has this configuration. */
function node(text: () => string): NodeServices {
  const readConfig = async (): Promise<ConfigFileReading[]> => [
    {
      path: '/etc/haproxy/haproxy.cfg',
      bytes: Buffer.from(text()),
      sha256: '',
      modifiedAt: 0,
      owner: '',
      mode: '',
      loaded: 'loaded',
      error: null,
    },
  ]
  const [haproxy, vrrp] = fakeNode('lb1', { holdsVip: true }).services
  return {
    session: createLocalSession({ id: 'lb1' }),
    services: [{ ...haproxy, readConfig } as BoundService, vrrp as BoundService],
  }
}

const answering = (status: number) => (socket: Socket) => socket.once('data', () => socket.end(`HTTP/1.1 ${status} x\r\n\r\n`))

describe('trying the front doors of a node', () => {
  it('notices what is answered with an error, and what nobody takes, after the second time', async () => {
    const [web, db] = [await door(), await door()]
    web.behave(answering(200))
    const text = `listen web\n  mode http\n  bind *:${web.port}\nlisten db\n  mode tcp\n  bind 127.0.0.1:${db.port}\n`
    const watch = await watchDoors(
      node(() => text),
      [],
      systemClock,
      limits,
    )
    await watch.look(limits)
    await watch.keepConfigured(limits)
    await watch.look(limits)
    expect(watch.worse()).toBeNull()
    web.behave(answering(503))
    await watch.look(limits)
    expect(watch.worse(), 'once is nothing').toBeNull()
    await watch.look(limits)
    expect(watch.worse()).toMatchObject({
      metric: 'answers',
      subject: `http://127.0.0.1:${web.port}/ from lb1`,
      before: 2,
      after: 1,
    })

    web.behave(answering(404))
    for (let turn = 0; turn < 4; turn += 1) await watch.look(limits)
    expect(watch.worse(), 'it has recovered').toBeNull()
    db.behave((socket) => socket.destroy())
    for (let turn = 0; turn < 2; turn += 1) await watch.look(limits)
    expect(watch.worse()?.subject).toBe(`127.0.0.1:${db.port} from lb1`)
  })

  it('does not miss what the new configuration has no more', async () => {
    const web = await door()
    web.behave(answering(200))
    let text = `listen web\n  mode http\n  bind *:${web.port}\n`
    const watch = await watchDoors(
      node(() => text),
      [],
      systemClock,
      limits,
    )
    text = ''
    await watch.keepConfigured(limits)
    servers.splice(0).forEach((server) => server.close())
    for (let turn = 0; turn < 3; turn += 1) await watch.look(limits)
    expect(watch.worse()).toBeNull()
  })

  it('tries virtual addresses from the first place that reaches them', async () => {
    const web = await door()
    web.behave(answering(200))
    const text = `listen web\n  mode http\n  bind *:${web.port}\n`
    const here = createLocalSession()
    const asked: string[] = []
    let isLost = false
    const vantage = (name: string, reaches: boolean): Vantage => ({
      name: name as NodeId,
      async dial(host, port, limit) {
        asked.push(`${name} ${host}:${port}`)
        if (isLost) throw new AppError('ssh.connection-lost', 'The connection is gone.')
        return reaches ? here.openTcp('127.0.0.1', port, limit) : Promise.reject(new AppError('exec.failed', 'Unreachable.'))
      },
    })
    const watch = await watchDoors(
      node(() => text),
      [vantage('lb2', false), vantage('lb3', true)],
      systemClock,
      limits,
    )
    expect(asked).toEqual([`lb2 198.18.0.10:${web.port}`, `lb3 198.18.0.10:${web.port}`])
    await watch.keepConfigured(limits)
    isLost = true
    for (let turn = 0; turn < 4; turn += 1) await watch.look(limits)
    expect(watch.worse(), 'of who cannot look').toBeNull()
    isLost = false
    web.behave(answering(502))
    for (let turn = 0; turn < 2; turn += 1) await watch.look(limits)
    expect(watch.worse()).not.toBeNull()
  })
})
