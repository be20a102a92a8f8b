/** What every binding of the border must do. Run unchanged over loopback, IPC (stand-in) and WebSocket. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ClientFrame, HostFrame } from '#contract'
import { AppError } from '../../src-main/app/app-error.ts'
import { createDispatcher, type Dispatcher } from '../../src-main/app/dispatcher.ts'
import type { CallContext, Handlers } from '../../src-main/app/handlers-type.ts'
import { silentLog } from './silent-log.ts'

export interface Wire {
  /** send one frame as the window would */
  send(frame: ClientFrame | Record<string, unknown>): void
  /** the next frame that satisfies the test, waiting for it if need be */
  next(accept: (frame: HostFrame) => boolean): Promise<HostFrame>
  close(): Promise<void>
}

export interface WireRig {
  name: string
  open(dispatcher: Dispatcher): Promise<{ connect(): Promise<Wire>; close(): Promise<void> }>
}

/** A handler table with just what the suite needs; every other name answers like an unfinished product would: loudly. */
function createProbe() {
  const seen: { name: string; context: CallContext }[] = []
  let commandRuns = 0
  const special: Partial<Handlers> = {
    'settings.get': () =>
      Promise.resolve({
        pollMs: 2000,
        pauseWhenHidden: true,
        keepRawHours: 24,
        keepMinuteDays: 7,
        keepHourDays: 90,
        mirrorFolder: '',
      }),
    'settings.put': (input) => Promise.resolve({ ...input, pollMs: input.pollMs + ++commandRuns }),
    'inventory.get': (_input, context) =>
      new Promise((_resolve, reject) => context.signal.addEventListener('abort', () => reject(context.signal.reason as Error))),
    'inventory.export': () =>
      Promise.reject(new AppError('node.not-found', 'No such node.', { effect: 'none', details: { node: 'lb9' } })),
    'vault.status': () => Promise.reject(new Error('secret internals')),
    'job.list': () => Promise.resolve([{ wrong: true }] as never),
    'host.watch': () => Promise.resolve({}),
  }
  const handlers = new Proxy({} as Handlers, {
    get: (_target, name: string) => async (input: never, context: CallContext) => {
      seen.push({ name, context })
      const handler = special[name as keyof Handlers] as ((input: never, context: CallContext) => Promise<unknown>) | undefined
      if (handler === undefined) throw new Error(`the suite does not expect ${name}`)
      return handler(input, context)
    },
  })
  return { handlers, seen }
}

const SETTINGS = {
  pollMs: 1000,
  pauseWhenHidden: true,
  keepRawHours: 24,
  keepMinuteDays: 7,
  keepHourDays: 90,
  mirrorFolder: '',
}

export function wireSuite(rig: WireRig): void {
  describe(`wire over ${rig.name}`, () => {
    let probe: ReturnType<typeof createProbe>
    let dispatcher: Dispatcher
    let host: Awaited<ReturnType<WireRig['open']>>
    let wire: Wire
    let ids = 0

    beforeEach(async () => {
      probe = createProbe()
      dispatcher = createDispatcher({ handlers: probe.handlers, log: silentLog })
      host = await rig.open(dispatcher)
      wire = await host.connect()
    })
    afterEach(async () => {
      await wire.close()
      await host.close()
    })

    async function call(name: string, input: unknown, more: { requestId?: string } = {}, over = wire) {
      const id = `c${++ids}`
      over.send({ type: 'call', id, name, input, ...more })
      const reply = await over.next((frame) => frame.type === 'reply' && frame.id === id)
      if (reply.type !== 'reply') throw new Error('not a reply')
      return reply
    }
    const errorOf = async (name: string, input: unknown) => {
      const reply = await call(name, input)
      return reply.ok ? 'ok' : reply.error.code
    }

    it('answers a query', async () => {
      expect(await call('settings.get', {})).toMatchObject({ ok: true, value: { pollMs: 2000 } })
    })

    it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty', 'fleet.changed', 'no.such', ''])(
      'answers request.unknown to the name %j',
      async (name) => expect(await errorOf(name, {})).toBe('request.unknown'),
    )

    it('refuses an extra key, a missing key and a value of the wrong type', async () => {
      expect(await errorOf('settings.get', { sid: 'x' })).toBe('request.invalid')
      expect(await errorOf('fleet.serverStates', {})).toBe('request.invalid')
      expect(await errorOf('settings.put', { ...SETTINGS, pollMs: '1000' })).toBe('request.invalid')
    })

    it('refuses a frame with an extra key, but says so to the caller', async () => {
      wire.send({ type: 'call', id: 'odd', name: 'settings.get', input: {}, caller: 'root' })
      expect(await wire.next((frame) => frame.type === 'reply' && frame.id === 'odd')).toMatchObject({
        ok: false,
        error: { code: 'request.invalid' },
      })
    })

    it('carries a typed error with its effect and details', async () => {
      expect(await call('inventory.export', { format: 'yaml' })).toMatchObject({
        ok: false,
        error: { code: 'node.not-found', effect: 'none', details: { node: 'lb9' } },
      })
    })

    it('turns a defect into host.internal without a stack', async () => {
      const reply = await call('vault.status', {})
      expect(reply).toMatchObject({ ok: false, error: { code: 'host.internal' } })
      expect(JSON.stringify(reply)).not.toContain('.ts:')
    })

    it('refuses to send an answer that does not fit the contract', async () => {
      expect(await errorOf('job.list', { limit: 1 })).toBe('host.internal')
    })

    it('cancels a query', async () => {
      wire.send({ type: 'call', id: 'slow', name: 'inventory.get', input: {} })
      await call('settings.get', {})
      wire.send({ type: 'cancel', id: 'slow' })
      expect(await wire.next((frame) => frame.type === 'reply' && frame.id === 'slow')).toMatchObject({
        ok: false,
        error: { code: 'request.cancelled' },
      })
    })

    it('runs a repeated command once, also over a second connection', async () => {
      const first = await call('settings.put', SETTINGS, { requestId: 'r1' })
      expect(await call('settings.put', SETTINGS, { requestId: 'r1' })).toMatchObject({ value: first.ok ? first.value : null })
      const second = await host.connect()
      expect(await call('settings.put', SETTINGS, { requestId: 'r1' }, second)).toMatchObject({ value: { pollMs: 1001 } })
      expect(await call('settings.put', SETTINGS, { requestId: 'r2' }, second)).toMatchObject({ value: { pollMs: 1002 } })
      await second.close()
    })

    it('takes the caller from the connection', async () => {
      await call('settings.get', {})
      expect(probe.seen[0]?.context.caller.user).toBe('mk@desk')
    })

    it('sends events in order with rising numbers', async () => {
      await wire.next((frame) => frame.type === 'hello')
      const got = [1, 2, 3].map((pollMs) =>
        wire.next((frame) => frame.type === 'event' && (frame.payload as { pollMs: number }).pollMs === pollMs),
      )
      for (const pollMs of [1, 2, 3]) dispatcher.publish('settings.changed', { ...SETTINGS, pollMs })
      const seqs = (await Promise.all(got)).map((frame) => (frame.type === 'event' ? frame.seq : 0))
      expect(seqs).toEqual([1, 2, 3])
    })

    it('stops watching when the window goes away, and aborts its queries', async () => {
      wire.send({ type: 'call', id: 'slow', name: 'inventory.get', input: {} })
      await call('settings.get', {})
      await wire.close()
      await expect.poll(() => probe.seen.find((call) => call.name === 'host.watch')).toBeTruthy()
      const slow = probe.seen.find((call) => call.name === 'inventory.get')
      expect(slow?.context.signal.aborted).toBe(true)
      expect(probe.seen.find((call) => call.name === 'host.watch')?.context.connection).toBe(slow?.context.connection)
    })
  })
}
