import { describe, expect, test } from 'vitest'
import type { DrillRecord, FleetSnapshot, NodeId, RouterView } from '#contract'
import { AppError } from '../../../../src-main/app/app-error.ts'
import { createDrillBook } from '../../../../src-main/app/drills/drill-book.ts'
import type { Run, RunParts } from '../../../../src-main/app/drills/drill-run.ts'
import { endInterrupted, runDrill } from '../../../../src-main/app/drills/run-drill.ts'
import type { FaultAdmin } from '../../../../src-main/app/ports/fault-admin.ts'
import type { NodeSession } from '../../../../src-main/app/ports/node-session.ts'
import type { AddressSighting, RecordedProbe, Recorder } from '../../../../src-main/app/ports/recorder.ts'
import { record as over } from '../../domain/drill/a-drill.ts'
import { tempStore } from '../../store/temp-store.ts'

const startAt = 1_800_000_000_000
type Sent = 'inject' | 'heartbeat' | 'revert' | 'announce'

/** A pair whose address moves 3 s after the fault, and back 3 s after it is gone; time passes only while somebody sleeps. */
function stage(
  how: {
    answers?: (sinceFaultMs: number | null) => boolean
    inject?: AppError
    stopAfterMs?: number
    loseMs?: number
    notify?: string[]
    post?: RunParts['postJson']
  } = {},
) {
  let at = startAt
  let injectedAt: number | null = null
  const sent: Sent[] = []
  const listeners: ((probe: RecordedProbe) => void)[] = []
  const probes: RecordedProbe[] = []
  const losing = new Map<string, (why: Error) => void>()
  const watchers = new Map<string, (sighting: AddressSighting) => void>()
  let due: { at: number; node: string; kind: 'gained' | 'lost' }[] = []
  const move = (from: string, to: string): void => {
    due = [
      { at: at + 3000, node: to, kind: 'gained' },
      { at: at + 3001, node: from, kind: 'lost' },
    ]
  }
  const clock = {
    now: () => at,
    monotonic: () => at,
    async sleep(ms: number, signal: AbortSignal) {
      signal.throwIfAborted()
      for (const end = at + ms; at < end; at += 20) {
        const ok = how.answers?.(injectedAt === null ? null : at - injectedAt) ?? true
        const probe = { at, tookMs: 1, connectMs: 1, outcome: ok ? ('answered' as const) : ('timeout' as const), ok }
        probes.push(probe)
        for (const listener of listeners) listener(probe)
        for (const { at: when, node, kind } of due.filter((each) => each.at <= at)) {
          watchers.get(node)?.({ at: when, address: over.plan.probe.host, kind, lladdr: null })
        }
        due = due.filter((each) => each.at > at)
        if (injectedAt !== null && at - injectedAt >= (how.loseMs ?? Infinity)) {
          watchers.delete('lb1')
          losing.get('lb1')?.(new Error('the other side closed it'))
        }
      }
    },
  }
  const exact = { offsetMs: 0, uncertaintyMs: 0 }
  const recorder: Recorder = {
    start: async () => ({
      clock: () => exact,
      onProbe: (listener) => {
        listeners.push(listener)
        return () => undefined
      },
      lost: new Promise(() => undefined),
      stop: async () => ({ probes, clock: exact, held: [] }),
    }),
    watch: async ({ session, listener }) => {
      watchers.set(session.nodeId, listener)
      const lost = new Promise<Error>((resolve) => losing.set(session.nodeId, resolve))
      if (session.nodeId === 'lb1') listener({ at, address: over.plan.probe.host, kind: 'held', lladdr: null })
      return { clock: () => exact, lost, stop: async () => undefined }
    },
  }
  const faults: FaultAdmin = {
    describe: async () => ({ blastRadius: '', inject: [], revert: [], missing: [] }),
    snapshot: async () => ({ files: 'a\nb' }),
    async inject() {
      sent.push('inject')
      if (how.inject !== undefined) throw how.inject
      injectedAt = at
      move('lb1', 'lb2')
      return { id: 't', began: at, ended: at }
    },
    heartbeat: async () => void sent.push('heartbeat'),
    async revert() {
      sent.push('revert')
      if (injectedAt === null) return { by: 'nobody', log: '' }
      injectedAt = null
      move('lb2', 'lb1')
      return { by: 'console', log: '' }
    },
    standing: async () => [],
    connectionsTo: async () => 0,
    announce: async () => void sent.push('announce'),
  }
  const { store } = tempStore()
  const book = createDrillBook({
    repo: store.drills,
    history: store.history,
    commandsOf: () => [],
    sign: async () => null,
    clock,
    publish: () => undefined,
  })
  const router = { id: over.plan.router, name: 'VI_edge', vrid: 51, members: [] } as unknown as RouterView
  const snapshot = { routers: [router], servers: [], problems: [], nodes: [] } as unknown as FleetSnapshot
  const drill: DrillRecord = {
    ...over,
    plan: { ...over.plan, notify: how.notify ?? [] },
    createdAt: at,
    endedAt: null,
    injectedAt: null,
    injectionMs: null,
    revertedAt: null,
    verdict: null,
    ending: null,
    restored: null,
    takeoverMs: null,
    figures: [],
    reportSha256: null,
    state: 'preparing',
  }
  store.drills.put(drill)
  const parts: RunParts = {
    book,
    faults,
    recorder,
    postJson: how.post ?? (async () => undefined),
    clock,
    fleet: { snapshot: () => snapshot },
    servicesOf: async (nodeId: NodeId) => ({ session: { nodeId } as NodeSession, services: [] }),
    isStopped: () => how.stopAfterMs !== undefined && injectedAt !== null && at - injectedAt >= how.stopAfterMs,
    publish: () => undefined,
  }
  const before = { lb1: { files: 'a\nb' }, lb2: { files: 'a\nb' } } as Run['before']
  const run: Run = { parts, drill, before, signal: new AbortController().signal, record: () => undefined }
  return { run, sent, drill: () => book.find(over.id), history: () => store.history.list({ limit: 5 }), faults }
}

describe('a drill', () => {
  test('measures, makes the fault once, keeps the guard waiting, takes it back, compares, and leaves a hash in the history', async () => {
    const { run, sent, drill, history } = stage()
    await runDrill(run)
    expect(drill()).toMatchObject({ verdict: 'proven', ending: 'time', restored: true, takeoverMs: 3000, state: 'ended' })
    expect(sent.filter((each) => each !== 'heartbeat')).toEqual(['inject', 'revert'])
    expect(sent.filter((each) => each === 'heartbeat').length).toBeGreaterThanOrEqual(2)
    expect(history()[0]).toMatchObject({ kind: 'drill.ended', data: { verdict: 'proven', report: drill().reportSha256 } })
  })

  test('does nothing where it was not steady before', async () => {
    const { run, sent, drill } = stage({ answers: () => false })
    await runDrill(run)
    expect(sent).toEqual([])
    expect(drill()).toMatchObject({ verdict: 'untested', ending: 'refused', injectedAt: null, restored: true })
  })

  test('is aborted within 250 ms of the condition, and refuted by it', async () => {
    const { run, drill } = stage({ answers: (since) => since === null })
    run.drill.plan = { ...run.drill.plan, abort: { ...run.drill.plan.abort, outageMs: 2000 } }
    await runDrill(run)
    const { ending, verdict, injectedAt, revertedAt } = drill()
    expect([ending, verdict]).toEqual(['abort', 'refuted'])
    expect((revertedAt ?? 0) - (injectedAt ?? 0)).toBeGreaterThanOrEqual(1980)
    expect((revertedAt ?? 0) - (injectedAt ?? 0)).toBeLessThanOrEqual(2250)
  })

  test('whose member is not seen any more does not take it for an owner for ever', async () => {
    const { run, drill } = stage({ loseMs: 1000 })
    await runDrill(run)
    expect(drill()).toMatchObject({ ending: 'time', verdict: 'proven', restored: true })
    const { events } = run.parts.book.view(run.drill.id)
    expect(events.filter(({ kind }) => kind === 'problem').map(({ text }) => text)).toEqual([
      'the kernel of lb1 is not seen any more: the other side closed it',
    ])
  })

  test.each([
    [false, { restored: true, differences: [] }],
    [true, { restored: false, differences: [expect.stringContaining('lb1, addresses: −'), expect.stringContaining('lb2')] }],
  ])('whose address stays where it went hands it back (or cannot: %s), behind a guard of its own', async (fails, expected) => {
    const { run, drill, faults } = stage()
    const { prediction, plan } = run.drill
    run.drill.prediction = { ...prediction, failback: null }
    const has = { addresses: `eth0 inet ${plan.probe.host}/24` }
    run.before = { lb1: has, lb2: { addresses: '' } } as Run['before']
    let holder = 'lb1'
    const made: string[] = []
    const { inject } = faults
    faults.inject = async (session, scope, guard, limits) => {
      made.push(`${session.nodeId} ${scope.fault.kind} ${guard.id}`)
      if (made.length > 1 && fails) throw new AppError('drill.refused', 'No guard could be armed.')
      holder = made.length > 1 ? 'lb1' : 'lb2'
      return inject(session, scope, guard, limits)
    }
    faults.snapshot = async ({ nodeId }) => ({ addresses: nodeId === holder ? has.addresses : '' })
    await runDrill(run).catch((thrown: AppError) => expect(thrown.code).toBe('job.rollback-failed'))
    expect(made[0]).toBe(`lb1 ${plan.fault.kind} ${run.drill.id}`)
    expect(made[1]).toMatch(new RegExp(`^lb2 keepalived-stop ${run.drill.id}\\.`))
    expect(drill()).toMatchObject(expected)
  })

  test('is taken back at once when somebody stops it', async () => {
    const { run, sent, drill } = stage({ stopAfterMs: 500 })
    await runDrill(run)
    expect(drill()).toMatchObject({ ending: 'operator', verdict: 'untested', restored: true })
    expect((drill().revertedAt ?? 0) - (drill().injectedAt ?? 0)).toBeLessThanOrEqual(700)
    expect(sent).toContain('revert')
  })

  test('whose fault certainly never came has nothing to take back', async () => {
    const { run, sent, drill } = stage({ inject: new AppError('drill.refused', 'No guard could be armed.') })
    await runDrill(run)
    expect(sent).toEqual(['inject'])
    expect(drill()).toMatchObject({
      ending: 'failed',
      verdict: 'untested',
      said: expect.stringContaining('No guard') as string,
    })
  })

  test('whose fault may have come is taken back for certain, and untested where it never did', async () => {
    const lost = new AppError('ssh.connection-lost', 'The connection was lost.', { effect: 'unknown' })
    const { run, sent, drill } = stage({ inject: lost })
    await runDrill(run)
    expect(sent).toEqual(['inject', 'revert'])
    expect(drill()).toMatchObject({ ending: 'failed', verdict: 'untested', injectedAt: null, restored: true })
  })

  test('of a whole site ends with who has the address, and is taken back there first', async () => {
    const { run, drill, faults } = stage()
    run.drill.alsoOn = ['lb3' as NodeId]
    const order: string[] = []
    const { inject, revert } = faults
    faults.inject = async (session, ...rest) => (order.push(`inject ${session.nodeId}`), inject(session, ...rest))
    faults.revert = async (session, ...rest) => (order.push(`revert ${session.nodeId}`), revert(session, ...rest))
    await runDrill(run)
    expect(order).toEqual(['inject lb3', 'inject lb1', 'revert lb1', 'revert lb3'])
    expect(drill()).toMatchObject({ ending: 'time', restored: true })
  })

  test('of a whole site whose second fault is refused takes the first one back', async () => {
    const { run, drill, faults } = stage()
    run.drill.alsoOn = ['lb3' as NodeId]
    const order: string[] = []
    const { inject } = faults
    faults.inject = async (session, ...rest) => {
      order.push(`inject ${session.nodeId}`)
      if (session.nodeId === 'lb1') throw new AppError('drill.refused', 'No guard could be armed.')
      return inject(session, ...rest)
    }
    faults.revert = async ({ nodeId }) => {
      order.push(`revert ${nodeId}`)
      return { by: nodeId === 'lb3' ? 'console' : 'nobody', log: '' }
    }
    await runDrill(run)
    expect(order).toEqual(['inject lb3', 'inject lb1', 'revert lb1', 'revert lb3'])
    expect(drill()).toMatchObject({ ending: 'failed', verdict: 'untested', restored: true })
  })

  test('tells those who are an address before the fault and when it is over, and goes on where nobody listens', async () => {
    const posted: [string, unknown][] = []
    const post: RunParts['postJson'] = async (url, body) => {
      posted.push([url, body])
      if (url.includes('gone')) throw new Error('nobody listens')
    }
    const notify = ['the shift', 'https://chat.test/hook/secret', 'https://gone.test/hook/secret']
    const { run, drill } = stage({ notify, post })
    await runDrill(run)
    expect(posted.map(([url]) => new URL(url).host)).toEqual(['chat.test', 'gone.test', 'chat.test', 'gone.test'])
    expect(posted[0]?.[1]).toMatchObject({
      event: 'begins',
      text: expect.stringMatching(/priority-drop on lb1.*every quarter/),
    })
    expect(posted[2]?.[1]).toMatchObject({ event: 'ended', verdict: 'proven', restored: true })
    expect(drill().ending).toBe('time')
    const said = run.parts.book.view(run.drill.id).events.flatMap(({ kind, text }) => (kind === 'problem' ? [text] : []))
    expect(said[0]).toBe('gone.test was not told: nobody listens')
  })

  test('that another process has begun is only taken back', async () => {
    const { run, sent, drill, faults } = stage()
    await faults.inject({} as NodeSession, {} as never, {} as never, {} as never)
    await endInterrupted(run)
    expect(sent).toEqual(['inject', 'revert'])
    expect(drill()).toMatchObject({ ending: 'interrupted', verdict: 'untested', restored: true })
  })

  test('that leaves something behind ends as a failure that says what', async () => {
    const { run, drill, faults } = stage()
    faults.snapshot = async () => ({ files: 'a\nc' })
    await expect(runDrill(run)).rejects.toMatchObject({
      code: 'job.rollback-failed',
      message: expect.stringContaining('+ c') as string,
    })
    expect(drill()).toMatchObject({ verdict: 'refuted', restored: false })
  })
})
