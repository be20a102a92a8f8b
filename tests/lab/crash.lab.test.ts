import { cpSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { JobId, JobView } from '#contract'
import { exhaustive } from '../exhaustive.ts'
import { cellOf, makeWorkplace, openConsole, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { tryRun, waitUntil } from './run.ts'

const web1 = 'edge/haproxy/be_web/web1'
const child = resolve(import.meta.dirname, 'crash-child.ts')
const drained = 8 // srv_admin_state of HAProxy 2.6: forced drain

let lab: Lab
/** A data folder into which the inventory was imported; every test works on a copy of it. */
let template: Workplace
let place: Workplace
let application: ConsoleOnLab | null = null

async function runtime(node: string, command: string): Promise<string> {
  const { stdout } = await lab.exec(node, ['socat', '-t5', '-', 'UNIX-CONNECT:/run/haproxy/admin.sock'], {
    stdin: `${command}\n`,
  })
  return stdout
}

/** What an operator can change, of every server of the pair: `lb1 be_web/web1` to administrative state and weight. */
async function serversState(): Promise<Record<string, { adminState: number; weight: number }>> {
  const states: Record<string, { adminState: number; weight: number }> = {}
  for (const node of ['lb1', 'lb2']) {
    for (const line of (await runtime(node, 'show servers state')).split('\n')) {
      if (!/^\d+ \S+ \d+ /.test(line)) continue
      const [, backend, , server, , , adminState, weight] = line.split(' ')
      states[`${node} ${backend}/${server}`] = { adminState: Number(adminState), weight: Number(weight) }
    }
  }
  return states
}

/** The same with `be_web/web1` drained on both balancers. */
function withDrain(states: Awaited<ReturnType<typeof serversState>>): typeof states {
  const changed = ['lb1 be_web/web1', 'lb2 be_web/web1'].map((key) => [key, { weight: 0, ...states[key], adminState: drained }])
  return { ...states, ...Object.fromEntries(changed) }
}

/** Carry an operation to the point where the application kills itself. */
async function crashAt(point: string, order: 'drain' | JobId): Promise<void> {
  const result = await tryRun([...place.node, child, place.home, place.dataFolder, order, point], { timeoutMs: 40_000 })
  expect(result.stdout.trim().split('\n').at(-1), `the last point it passed\n${result.stderr}`).toBe(point)
  expect(result.stderr, 'killed, not stopped').toContain('ended by SIGKILL')
}

/** The newest job once it has ended; the only one that is unfinished. */
async function endedJob({ client }: ConsoleOnLab, timeoutMs = 20_000): Promise<JobView> {
  let job: JobView | undefined
  await waitUntil('the job has ended', timeoutMs, async () => {
    const [newest, ...older] = await client.call('job.list', { limit: 10 })
    job = newest
    return newest?.state === 'ended' && older.every(({ state }) => state === 'ended')
  })
  if (job === undefined) throw new Error('There is no job.')
  return job
}

/** The job is in the history once as begun and once as ended, and the window's snapshot says what the nodes say. */
async function expectAgreement({ client, snapshot }: ConsoleOnLab, job: JobView, state: RegExp): Promise<void> {
  const told = await client.call('history.list', { limit: 100, subject: job.id })
  expect(told.map(({ kind }) => kind).sort()).toEqual(['operation.ended', 'operation.started'])
  expect(told.find(({ kind }) => kind === 'operation.ended')?.data).toMatchObject({ outcome: 'succeeded' })
  await waitUntil('the snapshot shows it', 15_000, async () => {
    const now = await snapshot()
    return ['lb1', 'lb2'].every((node) => state.test(cellOf(now, web1, node)?.state ?? ''))
  })
}

/** Lines of `set server …` that the journal has for a node. */
function changesSent(job: JobView, node: string): string[] {
  const commands = job.steps.find(({ nodeId }) => nodeId === node)?.commands ?? []
  return commands.map(({ command }) => command).filter((command) => command.startsWith('set '))
}

async function undoIn(console: ConsoleOnLab, job: JobView): Promise<JobView> {
  await console.client.call('job.undo', { job: job.id })
  const undone = await endedJob(console)
  expect(undone).toMatchObject({ undoes: job.id, outcome: 'succeeded' })
  return undone
}

async function drainedBefore(): Promise<JobView> {
  const console = await openConsole(place)
  await console.client.call('fleet.refresh', {})
  await console.client.call('server.setState', { servers: [web1 as never], state: 'drain' })
  const job = await endedJob(console)
  await console.close()
  expect(job.outcome).toBe('succeeded')
  return job
}

/** Each point, or each second one. */
const someOf = <T>(points: readonly T[]): T[] => points.filter((_, at) => exhaustive || at % 2 === 1)

describeLab('killed in the middle of an operation', () => {
  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    template = makeWorkplace()
    const imported = await template.evenkeel('inventory', 'import', lab.inventoryFile)
    expect(imported, imported.stderr).toMatchObject({ code: 0 })
  })
  beforeEach(() => {
    place = makeWorkplace()
    cpSync(template.dataFolder, place.dataFolder, { recursive: true })
  })
  afterEach(async () => {
    await application?.close()
    application = null
    place.clear()
    await lab.restoreAll()
  })
  afterAll(() => template.clear())

  /** How often the journal has the command of lb1 and of lb2: none where it was carried out but not yet written down. */
  it.each<[point: string, lb1: number, lb2: number]>(
    someOf([
      ['job created', 1, 1],
      ['history: started', 1, 1],
      ['lb1 read', 1, 1],
      ['lb1 journaled intended', 1, 1],
      ['lb1 state command leaving', 1, 1],
      ['lb1 state command answered', 0, 1],
      ['lb1 state command recorded', 1, 1],
      ['lb1 set', 1, 1],
      ['lb1 journaled done', 1, 1],
      ['lb2 state command answered', 1, 0],
      ['lb2 journaled done', 1, 1],
      ['history: ended', 1, 1],
      ['job ended', 1, 1],
    ]),
  )('drain, killed at "%s": done exactly once, and undone exactly', async (point, onLb1, onLb2) => {
    const before = await serversState()
    await crashAt(point, 'drain')

    application = await openConsole(place)
    const job = await endedJob(application)
    expect(job).toMatchObject({ outcome: 'succeeded', steps: [{ state: 'done' }, { state: 'done' }] })
    expect(await serversState()).toEqual(withDrain(before))
    expect([changesSent(job, 'lb1').length, changesSent(job, 'lb2').length], 'sent exactly once').toEqual([onLb1, onLb2])
    await expectAgreement(application, job, /^drain/)

    await expectAgreement(application, await undoIn(application, job), /^up$/)
    expect(await serversState()).toEqual(before)
  })

  it('drain, killed with the bytes on their way: whether they arrived is asked, not guessed', async () => {
    const before = await serversState()
    await crashAt('lb1 state command handed over', 'drain')

    application = await openConsole(place)
    const job = await endedJob(application)
    expect(job.outcome).toBe('succeeded')
    expect(await serversState()).toEqual(withDrain(before))
    expect(changesSent(job, 'lb1').length, 'sent again only if it had not arrived').toBeLessThanOrEqual(1)
    await expectAgreement(application, job, /^drain/)
    await undoIn(application, job)
    expect(await serversState()).toEqual(before)
  })

  it.each(
    someOf([
      'lb1 journaled intended',
      'lb1 weight command answered',
      'lb1 state command answered',
      'lb1 restored',
      'lb2 weight command recorded',
      'history: ended',
    ]),
  )('undo, killed at "%s": put back exactly', async (point) => {
    for (const node of ['lb1', 'lb2']) await runtime(node, 'set server be_web/web1 weight 40')
    const before = await serversState()
    expect(before['lb1 be_web/web1']).toEqual({ adminState: 0, weight: 40 })
    const job = await drainedBefore()
    // somebody else's hand on the weight, so that each of the undo's two commands changes something
    for (const node of ['lb1', 'lb2']) await runtime(node, 'set server be_web/web1 weight 90')
    await crashAt(point, job.id)

    application = await openConsole(place)
    const undone = await endedJob(application)
    expect(undone, undone.error?.message).toMatchObject({ undoes: job.id, outcome: 'succeeded' })
    expect(await serversState()).toEqual(before)
    await expectAgreement(application, undone, /^up$/)
    expect((await application.client.call('job.get', { job: job.id })).undoneBy).toBe(undone.id)
  })

  it.each([
    ['sshd', 'done before, so it is not sent again', 0],
    ['haproxy', 'forgotten by the daemon that was restarted, so it is sent', 1],
  ] as const)(
    'waits for a node whose %s is away at the restart, and goes on when it is back: %s',
    async (service, _why, sent) => {
      const before = await serversState()
      await crashAt('lb2 state command answered', 'drain')
      await lab.stopService('lb2', service)

      application = await openConsole(place)
      const { client, snapshot } = application
      let job: JobView | undefined
      await waitUntil('the job is paused', 40_000, async () => {
        job = (await client.call('job.list', { limit: 1 }))[0]
        return job?.state === 'paused'
      })
      expect(job?.error).toMatchObject({ code: 'job.outcome-unknown', details: { node: 'lb2' } })
      expect(job?.steps.map(({ state }) => state)).toEqual(['done', 'intended'])
      expect(cellOf(await snapshot(), web1, 'lb2')?.state ?? 'unknown').toBe('unknown')
      await expect(
        client.call('server.setState', { servers: [web1 as never], state: 'ready', nodes: ['lb1' as never] }),
        'its nodes stay locked',
      ).rejects.toMatchObject({ reply: { code: 'job.conflict' } })

      await lab.startService('lb2', service)
      const ended = await endedJob(application, 50_000)
      expect(ended).toMatchObject({ id: job?.id, outcome: 'succeeded' })
      expect(changesSent(ended, 'lb2')).toHaveLength(sent)
      expect(await serversState()).toEqual(withDrain(before))
      await expectAgreement(application, ended, /^drain/)
    },
    120_000,
  )
})
