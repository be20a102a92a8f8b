import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FleetSnapshot, NodeId, OutputOf, PracticeDeed, PracticeScenarioId, ServerView } from '#contract'
import { practiceScenarios } from '#contract'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { CallContext } from '../../src-main/app/handlers-type.ts'
import { compose, type Console } from '../../src-main/compose.ts'
import { exhaustive } from '../exhaustive.ts'
import { silentLog } from './silent-log.ts'

const context: CallContext = {
  signal: new AbortController().signal,
  caller: { user: 'mk@desk', shell: 'browser' },
  connection: 'test',
  requestId: null,
}

/** Every scenario, one after the other on one fleet; otherwise each third. */

/** What an operator sees of it, until it is so. */
interface Case extends PracticeDeed {
  seen: (snapshot: FleetSnapshot, status: OutputOf<'practice.status'>) => boolean
}

const server = ({ servers }: FleetSnapshot, name: string): ServerView => {
  const found = servers.find((each) => each.name === name)
  if (found === undefined) throw new Error(`There is no server ${name}.`)
  return found
}
const router = ({ routers }: FleetSnapshot) => {
  const [tokyo] = routers
  return tokyo === undefined ? '' : [tokyo.verdict, ...tokyo.holders].join(' ')
}
const connection = ({ nodes }: FleetSnapshot, id: string) => nodes.find((node) => node.id === id)?.connection
const web1 = 'tyo-web1'
let downSeen = false

const cases: Case[] = [
  { scenario: 'backend-stop', target: web1, seen: (fleet) => server(fleet, web1).state === 'down' },
  {
    scenario: 'backend-slow',
    target: web1,
    value: 700,
    seen: (fleet) => server(fleet, web1).on.every(({ check }) => (check?.durationMs ?? 0) >= 650),
  },
  {
    scenario: 'backend-flap',
    target: web1,
    value: 8,
    seen(fleet) {
      const { state } = server(fleet, web1)
      downSeen ||= state === 'down'
      return downSeen && (state === 'up' || state === 'warming')
    },
  },
  {
    scenario: 'backend-degraded',
    target: web1,
    seen(fleet) {
      const { state, on } = server(fleet, web1)
      const stays = on.every(({ word, check }) => word === 'UP' && check?.text.startsWith('degraded'))
      return state === 'degraded' && stays && fleet.problems.some(({ kind }) => kind === 'server-degraded')
    },
  },
  {
    scenario: 'fill-pool',
    target: 'practice-tokyo',
    value: 60,
    seen: ({ servers }) => servers.some(({ on }) => on.some(({ queue }) => (queue ?? 0) > 0)),
  },
  { scenario: 'crash-haproxy', target: 'lb-t1', seen: (fleet) => router(fleet) === 'held lb-t2' },
  { scenario: 'kill-keepalived', target: 'lb-t1', seen: (fleet) => /lb-t1 lb-t2/.test(router(fleet)) },
  { scenario: 'cut-adverts', target: 'lb-t1', seen: (fleet) => router(fleet) === 'split-brain lb-t1 lb-t2' },
  {
    scenario: 'ssh-refuse',
    target: 'lb-t2',
    seen: (fleet) =>
      connection(fleet, 'lb-t2')?.state === 'waiting' && server(fleet, web1).on.some(({ state }) => state === 'unknown'),
  },
  { scenario: 'ssh-hang', target: 'lb-t2', seen: (fleet) => connection(fleet, 'lb-t2')?.state !== 'connected' },
  {
    scenario: 'ssh-new-key',
    target: 'lb-t2',
    seen: (fleet) => connection(fleet, 'lb-t2')?.error?.code === 'ssh.host-key-mismatch',
  },
  { scenario: 'power-off', target: 'lb-t1', seen: (fleet) => router(fleet) === 'held lb-t2' },
  {
    scenario: 'hand-edit',
    target: 'lb-t1',
    seen: (fleet) => server(fleet, web1).on.some(({ nodeId, weight }) => nodeId === 'lb-t1' && weight === 10),
  },
  { scenario: 'load', value: 120, seen: (_, { load }) => load?.perSecond === 120 && load.ok > 300 },
  {
    scenario: 'sticky-share',

    value: 100,
    seen: (_, { load }) => load?.stickyPercent === 100 && load.ok > 50,
  },
]

describe('what can be made to happen in the practice fleet', () => {
  let folder: string
  let console: Console
  const snapshot = () => console.handlers['fleet.snapshot']({}, context)
  const status = () => console.handlers['practice.status']({}, context)
  /** What has to be again as it was: who serves with which weight, who holds what, who is connected. */
  const calm = async () => {
    const { servers, routers, nodes } = await snapshot()
    return {
      servers: servers.map(({ name, state, on }) => [name, state, ...on.map(({ weight }) => weight)].join(' ')),
      routers: routers.map(({ verdict, holders }) => [verdict, ...holders].join(' ')),
      nodes: nodes.map(({ connection: { state }, services }) => [state, ...services.map(({ error }) => error)].join(' ')),
    }
  }
  let before: Awaited<ReturnType<typeof calm>>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'evenkeel-scenarios-'))
    console = await compose({ dataFolder: join(folder, 'data'), shell: 'browser', env: {}, home: folder, log: silentLog })
    await console.start()
    await console.handlers['host.watch']({ visible: true }, context)
    const settings = await console.handlers['settings.get']({}, context)
    await console.handlers['settings.put']({ ...settings, pollMs: 1000 }, context)
    await console.handlers['practice.open']({}, context)
    await vi.waitFor(
      async () => {
        const { servers, routers } = await snapshot()
        expect(routers.map(({ verdict, holders }) => [verdict, ...holders].join(' '))).toEqual(['held lb-t1', 'held lb-o1'])
        expect(servers.filter(({ state }) => state !== 'up' && state !== 'unchecked')).toEqual([])
      },
      { timeout: 60_000, interval: 250 },
    )
    before = await calm()
  }, 90_000)
  afterAll(async () => {
    await console?.stop()
    await rm(folder, { recursive: true })
  })

  it('has a case here, all of it', () => {
    expect(cases.map(({ scenario }) => scenario)).toEqual([...practiceScenarios] satisfies PracticeScenarioId[])
  })

  it.each(cases.filter((_, index) => exhaustive || index % 3 === 0))(
    '$scenario is seen by the console, and gone when it is reverted',
    async ({ seen, ...deed }) => {
      await console.handlers['practice.do'](deed, context)
      await expect.poll(async () => seen(await snapshot(), await status()), { timeout: 45_000, interval: 250 }).toBe(true)
      await console.handlers['practice.revert']({}, context)
      // a host key that was refused is not tried again before the operator says so
      if (deed.scenario === 'ssh-new-key') {
        await console.handlers['fleet.refresh']({ node: deed.target as NodeId }, context)
      }
      await expect.poll(calm, { timeout: 60_000, interval: 250 }).toEqual(before)
      expect((await status()).scenarios.flatMap(({ active }) => active)).toEqual([])
    },
    120_000,
  )
})
