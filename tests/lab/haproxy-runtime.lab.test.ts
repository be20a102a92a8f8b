import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { CommandRecord } from '#contract'
import { AppError } from '../../src-main/app/app-error.ts'
import type { AdminLimits } from '../../src-main/app/ports/admin-limits.ts'
import type { BoundService, Detected, ServerAdmin } from '../../src-main/app/ports/driver.ts'
import type { BalancerReading } from '../../src-main/domain/fleet/reading.ts'
import { createHaproxyDriver } from '../../src-main/drivers/haproxy/driver.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { within } from '../contract/local-session.ts'
import { describeLab } from './describe-lab.ts'
import { haproxyConfig, openHaproxyRoom, socketLine, type HaproxyRoom } from './haproxy-room.ts'

const settleMs = 10_000

describeLab("HAProxy's servers, changed at run time", () => {
  let room: HaproxyRoom
  let service: BoundService
  let sent: Omit<CommandRecord, 'nodeId'>[] = []
  const limits = (): AdminLimits => ({ ...within(5000), record: (command) => sent.push(command) })
  const changes = () => sent.map(({ command }) => command).filter((command) => command.startsWith('set '))

  const driver = createHaproxyDriver({ clock: systemClock })
  const detect = async (): Promise<Detected> =>
    (await driver.detect(room.session, room.facts, {}, within(5000))) ?? expect.fail('HAProxy was not found')
  const bind = async (): Promise<BoundService> => driver.bind(await detect())
  const admin = (): ServerAdmin => service.serverAdmin ?? expect.fail('servers cannot be changed here')
  const observe = async (): Promise<BalancerReading> => {
    const reading = await service.observe(room.session, within(5000))
    return reading.kind === 'haproxy' ? reading : expect.fail(`a reading of ${reading.kind}`)
  }
  const server = async (pool: string, name: string) =>
    (await observe()).pools.find((one) => one.name === pool)?.servers.find((one) => one.name === name) ??
    expect.fail(`${pool}/${name} is not there`)
  const before = async (pool: string, name: string) =>
    (await admin().read(room.session, pool, name, limits())) ?? expect.fail(`${pool}/${name} is not there`)

  const idle = (name: string) => ({ pool: 'be_app', server: name, adminState: 0, weight: 1, configuredWeight: 1, address: '' })

  beforeAll(async () => {
    room = await openHaproxyRoom()
    service = await bind()
  })
  beforeEach(() => {
    sent = []
  })
  afterAll(() => room.close())

  it.each([
    ['drain', 'drained', 'DRAIN'],
    ['maint', 'maintenance', 'MAINT'],
  ] as const)('sets %s, and puts back what was before, with the exact commands', async (state, seen, word) => {
    const recorded = await before('be_app', 'w2')
    expect(admin().isIn(recorded, state)).toBe(false)
    await admin().setState(room.session, 'be_app', 'w2', state, limits())
    // `DRAIN 1/2` while a check that has failed once is counted
    expect(await server('be_app', 'w2')).toMatchObject({ state: seen, word: expect.stringMatching(word) as string })
    expect(changes()).toEqual(admin().commandsFor(idle('w2'), state))
    expect(sent.at(-1)).toMatchObject({ via: 'socket /run/admin.sock', command: 'show servers state be_app', exitCode: null })

    sent = []
    await admin().restore(room.session, recorded, limits())
    expect(await before('be_app', 'w2')).toEqual(recorded)
    expect(changes()).toEqual(admin().undoCommandsFor(recorded))
  })

  it('puts back a weight that was set at run time, and a drain that was there before', async () => {
    await room.ask('set server be_app/w1 weight 3')
    await room.ask('set server be_app/w1 state drain')
    const recorded = await before('be_app', 'w1')
    expect(recorded).toMatchObject({ weight: 3, configuredWeight: 10, adminState: 8 })
    await admin().setState(room.session, 'be_app', 'w1', 'ready', limits())
    await room.ask('set server be_app/w1 weight 7')
    await admin().restore(room.session, recorded, limits())
    expect(await before('be_app', 'w1')).toEqual(recorded)
    await room.ask('set server be_app/w1 weight 100%')
    await room.ask('set server be_app/w1 state ready')
  })

  it('puts back the weight where the algorithm takes per cent only', async () => {
    const recorded = await before('be_other', 'api-1_v2.tyo:green')
    await room.ask('set server be_other/api-1_v2.tyo:green weight 0%')
    expect(await server('be_other', 'api-1_v2.tyo:green')).toMatchObject({ state: 'drained', weight: 0 })
    const weightless = await before('be_other', 'api-1_v2.tyo:green')
    await admin().restore(room.session, recorded, limits())
    expect(await before('be_other', 'api-1_v2.tyo:green')).toMatchObject({ weight: 5 })
    await admin().restore(room.session, weightless, limits())
    expect(await before('be_other', 'api-1_v2.tyo:green')).toMatchObject({ weight: 0 })
    await admin().restore(room.session, recorded, limits())
  })

  it('does not put anything back on a server that became another one', async () => {
    const recorded = await before('be_app', 'w1')
    const elsewhere = { ...recorded, address: '192.0.2.1:80' }
    sent = []
    await expect(admin().restore(room.session, elsewhere, limits())).rejects.toMatchObject({
      code: 'daemon.runtime-rejected',
      effect: 'none',
    })
    expect(changes()).toEqual([])
  })

  it('knows a server or a backend that is not there', async () => {
    expect(await admin().read(room.session, 'be_app', 'nope', limits())).toBeNull()
    expect(await admin().read(room.session, 'nope', 'w1', limits())).toBeNull()
    const refused = admin().setState(room.session, 'be_app', 'nope', 'drain', limits())
    await expect(refused).rejects.toMatchObject({ code: 'daemon.runtime-rejected', effect: 'none' })
    await expect(refused).rejects.toThrow('No such server.')
  })

  it('answers forty questions at once, though HAProxy has ten CLI slots', async () => {
    const rounds = await Promise.all(Array.from({ length: 40 }, observe))
    expect(rounds).toHaveLength(40)
  })

  it('says when the socket does not allow changes', async () => {
    await room.restartWith(haproxyConfig.replace(socketLine, socketLine.replace('level admin', 'level operator')), '-W')
    const stale = admin()
    await expect(stale.setState(room.session, 'be_app', 'w1', 'drain', limits())).rejects.toThrow('not of level admin')
    expect((await bind()).serverAdmin).toBeNull()
    expect((await detect()).findings.map(({ rule }) => rule)).toContain('haproxy.level-not-admin')
    expect((await observe()).canSetState).toBe(false)
    await room.restartWith(haproxyConfig)
    await expect.poll(async () => (await observe()).canSetState, { timeout: settleMs }).toBe(true)
  })

  it('works through the master socket alone, where there is no stats socket', async () => {
    await room.restartWith(haproxyConfig.replace(socketLine, ''))
    const alone = await bind()
    expect(alone.serverAdmin?.commandsFor(idle('w1'), 'drain')).toEqual(['@1 set server be_app/w1 state drain'])
    await alone.serverAdmin?.setState(room.session, 'be_app', 'w1', 'drain', limits())
    expect(await alone.observe(room.session, within(5000))).toMatchObject({ canSetState: true })
    await room.restartWith(haproxyConfig)
  })

  it.each([
    // one connection to the frontend, and one to the frontend that plays the server
    ['with a master socket', '-W -S /run/master.sock', { connections: 2, onServer: 1 }],
    ['without a master socket', '-W', { connections: null, onServer: 0 }],
  ])(
    'after a reload, %s: the drain is lost, and sessions of the old worker keep a server from being drained',
    async (_, mode, counted) => {
      await room.restartWith(haproxyConfig, mode)
      service = await bind()
      await observe()
      await room.run('(sleep 30 | socat - UNIX-CONNECT:/run/tcp.sock) >/dev/null 2>&1 & sleep 0.3')
      await admin().setState(room.session, 'be_tcp', 't1', 'drain', limits())
      expect(await server('be_tcp', 't1')).toMatchObject({ state: 'draining', sessions: 1 })

      const pid = (await observe()).pid
      await room.run('kill -USR2 "$(cat /run/haproxy.pid)"')
      const read = () => observe().catch((thrown: unknown) => (thrown instanceof AppError ? null : Promise.reject(thrown)))
      await expect.poll(async () => (await read())?.pid ?? pid, { timeout: settleMs }).not.toBe(pid)
      await expect
        .poll(async () => (await read())?.workers.map(({ generation }) => generation), { timeout: settleMs })
        .toEqual(['current', 'old'])
      expect((await observe()).workers[1]).toMatchObject({ pid, sessions: counted.connections })
      expect(await server('be_tcp', 't1')).toMatchObject({ state: 'unchecked', word: 'no check', adminState: 0 })

      await admin().setState(room.session, 'be_tcp', 't1', 'drain', limits())
      expect(await server('be_tcp', 't1')).toMatchObject({ state: 'draining', sessions: counted.onServer })
      await room.run('pkill -x socat')
      await expect.poll(async () => (await server('be_tcp', 't1')).state, { timeout: settleMs }).toBe('drained')
      expect((await observe()).workers).toHaveLength(1)
    },
  )
})
