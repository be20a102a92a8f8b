import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errorCodes, type ErrorCode, type ServiceKind, type ServiceOverrides } from '#contract'
import { AppError } from '../../src-main/app/app-error.ts'
import type { BoundService, Detected, Driver, NodeFacts } from '../../src-main/app/ports/driver.ts'
import type { NodeSession } from '../../src-main/app/ports/node-session.ts'
import type { ServiceReading } from '../../src-main/domain/fleet/reading.ts'
import { within } from './local-session.ts'

/** A node with the daemon on it, real or of the practice fleet, and the levers the suite pulls. Every lever gives back what undoes it. */
export interface DriverRig {
  readonly driver: Driver
  readonly session: NodeSession
  readonly facts: NodeFacts
  readonly overrides: ServiceOverrides
  readonly expected: {
    version: RegExp
    configFiles: string[]
    /** names of endpoints that must be found */
    endpoints: string[]
    /** `pool/server` of a balancer, instance names of keepalived: everything that is configured */
    subjects: string[]
  }
  /** make one subject fail in the daemon's own eyes */
  breakSubject: { subject: string; state: string; run(): Promise<Undo> } | null
  stopDaemon(): Promise<Undo>
  /** what a round does then; keepalived leaves addresses behind that are still read. Default: it fails with `daemon.not-running` */
  stoppedReads?: 'answers'
  /** SIGSTOP to every process of the daemon; `reads` says what a round must then do */
  freeze: { run(): Promise<Undo>; reads: 'fails' | 'answers' }
  /** names of servers go into commands; else they are only compared with what a file says */
  namesAreSent: boolean
  /** hide the daemon's program, and stop it */
  uninstall(): Promise<Undo>
  /** overrides in which every path is `text` */
  overridesWith(text: string): ServiceOverrides
  /** whether a file exists on the node */
  exists(path: string): Promise<boolean>
  close(): Promise<void>
}
export type Undo = () => Promise<void>

const canary = '/tmp/evenkeel-canary'
/** Each would leave the canary, or a second command, behind if it ever reached a shell or a runtime socket unquoted. */
export const hostileNames = [
  `x; touch ${canary}`,
  `x\ntouch ${canary}`,
  `x' touch ${canary} '`,
  `x" ; touch ${canary} ; "`,
  `x $(touch ${canary})`,
  `x\`touch ${canary}\``,
  'x y',
  'x/y;disable server z',
  'x\nset server',
  'x <<',
]

const deadlineMs = 1500
const settleMs = 15_000

/** What every driver must do against its daemon. `open` is called once, before all tests. */
export function driverSuite(kind: ServiceKind, open: () => Promise<DriverRig>): void {
  describe(`the ${kind} driver against its daemon`, () => {
    let rig: DriverRig
    let detected: Detected
    let service: BoundService

    const detect = (overrides = rig.overrides) => rig.driver.detect(rig.session, rig.facts, overrides, within(10_000))
    const observe = () => service.observe(rig.session, within(10_000))

    beforeAll(async () => {
      rig = await open()
      detected = (await detect()) ?? expect.fail(`${kind} was not found on the node of the rig`)
      service = rig.driver.bind(detected)
    })
    afterAll(() => rig.close())

    it('finds version, configuration and endpoints of the running daemon', () => {
      expect(detected.service).toMatchObject({ kind, running: true, configFiles: rig.expected.configFiles })
      expect(detected.service.version).toMatch(rig.expected.version)
      expect(detected.service.pid).toBeGreaterThan(0)
      expect(Object.keys(detected.service.endpoints)).toEqual(expect.arrayContaining(rig.expected.endpoints))
      expect(detected.findings.filter(({ severity }) => severity === 'error')).toEqual([])
    })

    it('keeps everything `bind` needs in plain JSON', async () => {
      await expect.poll(async () => [...subjectsOf(await observe()).values()], { timeout: settleMs }).not.toContain('warming')
      const kept = JSON.parse(JSON.stringify(detected)) as Detected
      expect(subjectsOf(await rig.driver.bind(kept).observe(rig.session, within(10_000)))).toEqual(subjectsOf(await observe()))
    })

    it('reads everything that is configured', async () => {
      expect([...subjectsOf(await observe()).keys()].sort()).toEqual([...rig.expected.subjects].sort())
    })

    it('shows it when something breaks, and when it works again', async (test) => {
      const lever = rig.breakSubject
      if (lever === null) return test.skip('there is nothing to break here that the daemon would notice by itself')
      const state = async () => subjectsOf(await observe()).get(lever.subject)
      const before = await state()
      await undone(await lever.run(), () => expect.poll(state, { timeout: settleMs }).toBe(lever.state))
      await expect.poll(state, { timeout: settleMs }).toBe(before)
    })

    it.each(hostileNames)('never lets the path %j reach a shell', async (name) => {
      await detect(rig.overridesWith(`/tmp/${name}`)).catch(expectAppError)
      expect(await rig.exists(canary)).toBe(false)
    })

    it.each(hostileNames)('never lets the name %j reach the daemon', async (name) => {
      const before = subjectsOf(await observe())
      const admin = service.serverAdmin
      if (admin !== null) {
        const record = () => expect.fail('a command was sent')
        for (const [pool, server] of [
          [name, 'x'],
          ['x', name],
        ] as const) {
          const unknown = { pool, server, adminState: 0, weight: 1, configuredWeight: 1, address: '' }
          const limits = { ...within(15_000), record }
          const [read, set] = [
            admin.read(rig.session, pool, server, limits).catch(codeOf),
            admin.setState(rig.session, pool, server, 'maint', limits).then(() => 'set', codeOf),
          ]
          if (rig.namesAreSent) expect(() => admin.commandsFor(unknown, 'drain')).toThrow(AppError)
          else expect(admin.commandsFor(unknown, 'drain')).toEqual([])
          expect(await read).toBe(rig.namesAreSent ? 'daemon.runtime-rejected' : null)
          expect(await set).toBe('daemon.runtime-rejected')
        }
      }
      expect(subjectsOf(await observe())).toEqual(before)
      expect(await rig.exists(canary)).toBe(false)
    })

    it('ends at its deadline when the daemon hangs, and says so', async () => {
      await undone(await rig.freeze.run(), async () => {
        const started = performance.now()
        const outcome = await service.observe(rig.session, within(deadlineMs)).then(() => 'answers', codeOf)
        if (rig.freeze.reads === 'answers') expect(outcome).toBe('answers')
        else expect(['daemon.unexpected-reply', 'ssh.timeout']).toContain(outcome)
        expect(performance.now() - started).toBeLessThan(2 * deadlineMs)
      })
      await expect.poll(() => observe().then(() => 'reads', codeOf), { timeout: settleMs }).toBe('reads')
    })

    it('ends at once when it is cancelled', async () => {
      await undone(await rig.freeze.run(), async () => {
        const controller = new AbortController()
        const round = service
          .observe(rig.session, { signal: controller.signal, timeoutMs: 20_000 })
          .then(() => 'answers', codeOf)
        setImmediate(() => controller.abort())
        expect([...errorCodes, rig.freeze.reads]).toContain(await round)
      })
      await expect.poll(() => observe().then(() => 'reads', codeOf), { timeout: settleMs }).toBe('reads')
    })

    it('says that the daemon does not run, and reads on once it does', async () => {
      await undone(await rig.stopDaemon(), async () => {
        const found = await detect()
        expect(found?.service).toMatchObject({ running: false, pid: null })
        expect(found?.findings.map((finding) => finding.rule)).toContainEqual(expect.stringMatching(/not-running$/))
        expect(await observe().then(() => 'answers', codeOf)).toBe(rig.stoppedReads ?? 'daemon.not-running')
      })
      await expect.poll(() => observe().then(() => 'reads', codeOf), { timeout: settleMs }).toBe('reads')
    })

    it('finds nothing where the daemon is not installed', async () => {
      await undone(await rig.uninstall(), async () => expect(await detect()).toBeNull())
    })
  })
}

async function undone(undo: Undo, work: () => unknown): Promise<void> {
  try {
    await work()
  } finally {
    await undo()
  }
}

/** State by name, of whatever the daemon has. */
export function subjectsOf(reading: ServiceReading): Map<string, string | null> {
  if (reading.kind === 'keepalived') return new Map(reading.instances.map(({ name, state }) => [name, state]))
  return new Map(reading.pools.flatMap((pool) => pool.servers.map((server) => [`${pool.name}/${server.name}`, server.state])))
}

function codeOf(thrown: unknown): ErrorCode {
  expectAppError(thrown)
  return thrown.code
}

function expectAppError(thrown: unknown): asserts thrown is AppError {
  if (!(thrown instanceof AppError)) throw thrown
}
