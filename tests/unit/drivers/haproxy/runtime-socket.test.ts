import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { AppError } from '../../../../src-main/app/app-error.ts'
import { createRuntimeSockets, type RuntimeTarget } from '../../../../src-main/drivers/haproxy/runtime-socket.ts'
import { within } from '../../../contract/local-session.ts'
import { createManualClock } from './manual-clock.ts'
import { openReplay, type Answer, type Replay } from './replay-socket.ts'

let replay: Replay | null = null
afterEach(() => replay?.close())

async function rig(answer: (line: string) => Answer) {
  replay = await openReplay(answer)
  const { path, session, lines, mostOpen, open } = replay
  const clock = createManualClock()
  const sockets = createRuntimeSockets({ clock })
  const target: RuntimeTarget = { path, prefix: '', privileged: false }
  const ask = (commands: string[], limits: Parameters<typeof sockets.ask>[3] = within(1000)) =>
    sockets.ask(session, target, commands, limits)
  return { ask, sockets, session, target, clock, lines, mostOpen, open }
}
/** Takes the connection and says nothing, as a stopped daemon does. */
const silence = (): void => undefined

describe('a request on a runtime socket', () => {
  it('ends its line with LF: a line without one is never answered', async () => {
    const { ask, lines } = await rig(() => 'a\n\n')
    expect(await ask(['show info', 'show stat'])).toBe('a\n\n')
    expect(lines).toEqual(['show info;show stat\n'])
  })

  it("closes its own side, because the master's socket does not close by itself", async () => {
    const { ask } = await rig(() => (socket) => void socket.on('end', () => socket.end('reply\n\n')))
    expect(await ask(['show proc'])).toBe('reply\n\n')
  })

  it('is a connection of its own: one that is kept open stays with the old worker after a reload', async () => {
    const { ask, lines, open } = await rig(() => '\n')
    await ask(['a'])
    await ask(['b'])
    expect(lines).toEqual(['a\n', 'b\n'])
    expect(open()).toBe(0)
  })

  it('waits its turn: never more than two connections at once, in order', async () => {
    const { ask, lines, mostOpen } = await rig(() => (socket) => void setImmediate(() => socket.end('\n')))
    await Promise.all(Array.from({ length: 20 }, (_, index) => ask([`c${index}`])))
    expect(mostOpen()).toBe(2)
    expect(lines).toEqual(Array.from({ length: 20 }, (_, index) => `c${index}\n`))
  })

  it('is turned away when too many wait already', async () => {
    const { ask } = await rig(() => silence)
    const stop = new AbortController()
    const waiting = Array.from({ length: 66 }, () =>
      ask(['x'], { signal: stop.signal, timeoutMs: 1000 }).catch(() => 'stopped'),
    )
    await expect(ask(['x'])).rejects.toThrow('does not keep up')
    stop.abort()
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['stopped']))
  })

  it('ends at its deadline, waiting time included, and leaves no connection behind', async () => {
    const { ask, clock, lines, open } = await rig(() => silence)
    const outcomes = ['a', 'b', 'c'].map((command) => ask([command]).catch((error: unknown) => error))
    await vi.waitFor(() => expect(lines).toHaveLength(2))
    clock.pass(1000)
    for (const outcome of await Promise.all(outcomes)) {
      expect(outcome).toMatchObject({ code: 'daemon.unexpected-reply', effect: 'none', details: { timeoutMs: 1000 } })
    }
    expect(open()).toBe(0)
    expect(lines).toHaveLength(2)
  })

  it('does not take part of a reply for the whole when the time is up', async () => {
    const { ask, clock } = await rig(() => (socket) => void socket.write('# pxname,svname,\nbe,w1,'))
    const outcome = ask(['show stat']).catch((error: unknown) => error)
    await new Promise(setImmediate)
    clock.pass(1000)
    expect(await outcome).toMatchObject({ code: 'daemon.unexpected-reply' })
  })

  it('says "unknown" of a change that was sent and not answered, "none" of one that still waited', async () => {
    const { ask, clock, lines } = await rig(() => silence)
    const outcomes = ['a', 'b', 'c'].map((command) =>
      ask([command], { ...within(500), changes: true }).catch((error: unknown) => error),
    )
    await vi.waitFor(() => expect(lines).toHaveLength(2))
    clock.pass(500)
    expect((await Promise.all(outcomes)).map((error) => (error as { effect: string }).effect)).toEqual([
      'unknown',
      'unknown',
      'none',
    ])
  })

  it.each([
    ['daemon.unexpected-reply', new Error('read ECONNRESET')],
    ['ssh.connection-lost', new AppError('ssh.connection-lost', 'The connection is gone.', { effect: 'unknown' })],
  ])('is %s when the connection breaks off, and nothing changed by a question', async (code, error) => {
    const { sockets, session, target } = await rig(() => '\n')
    const broken = (): Promise<Duplex> =>
      Promise.resolve(new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done(error) }))
    const cut = { ...session, openSocket: broken }
    await expect(sockets.ask(cut, target, ['show stat'], within(1000))).rejects.toMatchObject({ code, effect: 'none' })
    await expect(sockets.ask(cut, target, ['x'], { ...within(1000), changes: true })).rejects.toMatchObject({
      code,
      effect: 'unknown',
    })
  })

  it('ends at once when it is cancelled', async () => {
    const { ask, lines } = await rig(() => silence)
    const stop = new AbortController()
    const outcome = ask(['show stat'], { signal: stop.signal, timeoutMs: 60_000 })
    const checked = expect(outcome).rejects.toMatchObject({ code: 'request.cancelled' })
    await vi.waitFor(() => expect(lines).toHaveLength(1))
    stop.abort()
    await checked
    await expect(ask(['x'], { signal: stop.signal, timeoutMs: 60_000 })).rejects.toMatchObject({ code: 'request.cancelled' })
  })

  it('never opens a connection for a line that is unsafe or longer than 8 kB', async () => {
    const { ask, sockets, session, target, lines } = await rig(() => '\n')
    for (const command of ['a;b', 'a\nb', 'x'.repeat(9000), 'a <<']) {
      await expect(ask([command])).rejects.toMatchObject({ code: 'daemon.runtime-rejected', effect: 'none' })
    }
    await expect(sockets.ask(session, { ...target, prefix: '@1 ' }, ['x'.repeat(8190)], within(1000))).rejects.toThrow(
      '8192 bytes',
    )
    expect(lines).toEqual([])
  })

  it('takes a long reply in many pieces', async () => {
    const piece = `${'be,w1,UP,'.repeat(1000)}\n`
    const { ask } = await rig(() => (socket) => {
      void (async () => {
        for (let count = 0; count < 200; count++) if (!socket.write(piece)) await once(socket, 'drain')
        socket.end()
      })()
    })
    expect(await ask(['show stat'])).toHaveLength(200 * piece.length)
  })
})
