/**
 * The faults of a drill and their dead man's switch on real nodes, over real sshd. `EVENKEEL_EXHAUSTIVE=1`: five runs of each fault, and each
 * fault taken back by its guard alone.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FaultKind } from '#contract'
import type { AdminLimits } from '../../src-main/app/ports/admin-limits.ts'
import type { FaultScope } from '../../src-main/app/ports/fault-admin.ts'
import type { NodeSession } from '../../src-main/app/ports/node-session.ts'
import { createFaultAdmin } from '../../src-main/drivers/linux/faults/fault-admin.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { exhaustive } from '../exhaustive.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { openSessions, type LabSessions } from './lab-sessions.ts'
import { waitUntil } from './run.ts'

type Pair = 'edge' | 'core'
const members = { edge: ['lb1', 'lb2'], core: ['lb3', 'lb4'] } as const
const runs = exhaustive ? 5 : 1
const waitMs = 30_000
/** three labs beside each other add to every time */
const busyMs = exhaustive ? 0 : 500

const faults = createFaultAdmin({ clock: systemClock })
let lab: Lab
let sessions: LabSessions

const limits = (): AdminLimits => ({ signal: new AbortController().signal, timeoutMs: 60_000, record: () => undefined })
const sessionOf = (node: string): Promise<NodeSession> => sessions.to(node, { ...limits(), force: true })
const onNode = async (node: string, script: string): Promise<string> =>
  (await lab.exec(node, ['sh', '-c', script], { timeoutMs: 60_000 })).stdout

async function scopeOf(node: string, pair: Pair, kind: FaultKind): Promise<FaultScope> {
  const path = '/etc/keepalived/keepalived.conf'
  const { bytes } = await (await sessionOf(node)).readFile(path, { ...limits(), maxBytes: 65_536 })
  const backends = lab.topology.backends.map(({ address }) => ({ address, port: 8000 }))
  return { fault: { kind }, instance: `VI_${pair.toUpperCase()}`, keepalived: [{ path, bytes }], balancer: 'haproxy', backends }
}
const guard = (expiresAfterMs: number) => ({ id: randomUUID(), expiresAfterMs, owner: 'kim@desk', reason: 'test' })

const holdersAre = (pair: Pair, ...nodes: string[]): Promise<void> =>
  waitUntil(`${nodes.join(' and ')} hold ${pair}`, waitMs, async () => (await lab.holders(pair)).join() === nodes.join(), 200)
const answers = (node: string): Promise<boolean> =>
  lab
    .exec('client', ['curl', '-s', '-m', '1', '-o', '/dev/null', `http://${lab.node(node).data}/`])
    .then(({ code }) => code === 0)
const answersAre = (node: string, wanted: boolean): Promise<void> =>
  waitUntil(`${node} ${wanted ? 'answers' : 'does not answer'}`, waitMs, async () => (await answers(node)) === wanted, 200)
const backendsOf = (node: string): Promise<string> =>
  onNode(
    node,
    `for b in ${lab.topology.backends.map(({ address }) => address).join(' ')}; do timeout 1 bash -c ': <>/dev/tcp/$0/8000' $b 2>/dev/null && echo yes; done`,
  )

const isCutOff = async (pair: Pair, one: string, other: string): Promise<void> => {
  await holdersAre(pair, one, other)
  expect(await answers(one)).toBe(false)
}

/** What can be seen while it stands: of the address, and of clients. */
const effects: Record<FaultKind, (pair: Pair, one: string, other: string) => Promise<unknown>> = {
  'priority-drop': (pair, _one, other) => holdersAre(pair, other),
  'keepalived-stop': (pair, _one, other) => holdersAre(pair, other),
  'keepalived-kill': (pair, one, other) => holdersAre(pair, one, other),
  'balancer-crash': (pair, _one, other) => holdersAre(pair, other),
  // its check looks for a process, and there is one
  'balancer-hang': async (pair, one) => {
    await answersAre(one, false)
    expect(await lab.holders(pair)).toEqual([one])
  },
  'adverts-blocked': (pair, one, other) => holdersAre(pair, one, other),
  'link-down': (pair, _one, other) => holdersAre(pair, other),
  isolate: isCutOff,
  // to each node it is the same; drills of it are in drill-topologies
  'site-loss': isCutOff,
  'backend-loss': async (pair, one, other) => {
    expect([await backendsOf(one), await backendsOf(other)]).toEqual(['', expect.stringContaining('yes')])
    expect(await lab.holders(pair)).toEqual([one])
  },
}

/** Seconds after which the node kills the command and all that it has started but the guard. */
const cuts = [0.001, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3, 20]
const cutAfter = (session: NodeSession, seconds: number): NodeSession => ({
  ...session,
  nodeId: session.nodeId,
  exec: (argv, options) => session.exec(['timeout', '-s', 'KILL', String(seconds), ...argv], options),
})

/** One new connection after the other, for $ARGV[1] s; the longest time between two that were answered, in ms. */
const probe = `
  use IO::Socket::INET; use Time::HiRes qw(time sleep);
  my ($end, $last, $longest) = (time + $ARGV[1], time, 0);
  while (time < $end) {
    my $socket = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => 80, Timeout => 0.2);
    my $now = time;
    if ($socket) { $longest = $now - $last if $now - $last > $longest; $last = $now }
    sleep 0.02;
  }
  $longest = time - $last if time - $last > $longest;
  printf "%d", $longest * 1000;
`

async function sameAsBefore(node: string, before: Record<string, string>): Promise<void> {
  const session = await sessionOf(node)
  const deadline = Date.now() + waitMs
  let now = await faults.snapshot(session, limits())
  while (JSON.stringify(now) !== JSON.stringify(before) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 500))
    now = await faults.snapshot(session, limits())
  }
  expect(now).toEqual(before)
}

async function drill(pair: Pair, kind: FaultKind): Promise<void> {
  const [one, other] = members[pair]
  const [session, scope] = [await sessionOf(one), await scopeOf(one, pair, kind)]
  const described = await faults.describe(session, scope, limits())
  expect(described).toMatchObject({ missing: [], blastRadius: expect.stringMatching(/\w/) })
  const before = await faults.snapshot(session, limits())
  const injected = await faults.inject(session, scope, guard(40_000), limits())
  expect(injected.ended).toBeGreaterThanOrEqual(injected.began)
  await effects[kind](pair, one, other)
  await faults.heartbeat(session, injected, guard(40_000), limits())
  expect(await faults.standing(session, limits())).toMatchObject([
    { ticket: { id: injected.id }, state: 'armed', owner: 'kim@desk' },
  ])
  expect(await faults.revert(session, injected, limits())).toMatchObject({ by: 'console' })
  expect(await faults.standing(session, limits())).toEqual([])
  await holdersAre(pair, one)
  await sameAsBefore(one, before)
  await answersAre(one, true)
  expect(
    await onNode(
      one,
      "ls -d /var/lib/evenkeel/drill /etc/keepalived/.* 2>/dev/null | grep evenkeel; ps -eo args | grep 'drill/[g]uard.sh'",
    ),
  ).toBe('')
}

async function guardAlone(pair: Pair, kind: FaultKind): Promise<void> {
  const [one, other] = members[pair]
  const [session, scope] = [await sessionOf(one), await scopeOf(one, pair, kind)]
  const before = await faults.snapshot(session, limits())
  const { id } = await faults.inject(session, scope, guard(8000), limits())
  await lab.stopService(one, 'sshd')
  await effects[kind](pair, one, other)
  await waitUntil(
    'the guard has acted',
    waitMs,
    async () => (await onNode(one, 'cat /var/lib/evenkeel/drill/done')).trim() === '0',
    200,
  )
  await lab.startService(one, 'sshd')
  const again = await sessionOf(one)
  await expect(faults.heartbeat(again, { id }, guard(8000), limits())).rejects.toMatchObject({ code: 'daemon.not-confirmed' })
  expect(await faults.standing(again, limits())).toMatchObject([{ ticket: { id }, state: 'reverted' }])
  const { by, log } = await faults.revert(again, { id }, limits())
  expect([by, log.match(/took the fault back/g)]).toEqual(['guard', ['took the fault back']])
  expect(await faults.revert(again, { id }, limits()), 'a second time is no error').toMatchObject({ by: 'guard' })
  await holdersAre(pair, one)
  await sameAsBefore(one, before)
}

describeLab('faults on real nodes', () => {
  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    sessions = openSessions(lab, { user: 'root' })
    for (const pair of ['edge', 'core'] as const) await holdersAre(pair, members[pair][0])
  })
  afterAll(async () => {
    await sessions.close()
    await lab.restoreAll()
  })

  const all = FaultKind.options
  /** The two pairs have nothing to do with each other. */
  const lanes: { pair: Pair; kinds: FaultKind[]; alone: FaultKind[] }[] = [
    { pair: 'edge', kinds: ['priority-drop', 'balancer-crash', 'adverts-blocked', 'backend-loss'], alone: ['priority-drop'] },
    {
      pair: 'core',
      kinds: ['keepalived-stop', 'keepalived-kill', 'link-down', 'isolate', 'balancer-hang'],
      alone: ['adverts-blocked'],
    },
  ]
  it.concurrent.each(lanes)(
    'of the $pair pair are seen, taken back by the console or by their guard with sshd gone, and leave nothing',
    async ({ pair, kinds, alone }) => {
      const because = (what: string) => (cause: unknown) => Promise.reject(new Error(what, { cause }))
      for (const kind of exhaustive ? all : kinds) {
        for (let run = 1; run <= runs; run += 1) await drill(pair, kind).catch(because(`${kind}, run ${run}`))
      }
      for (const kind of exhaustive ? all : alone) await guardAlone(pair, kind).catch(because(`${kind}, the guard alone`))
    },
    exhaustive ? 3_600_000 : 300_000,
  )

  it.each([
    ['the settings of keepalived itself', '/garp_master_refresh/d', 1200],
    ['what the linter recommends', 's/^global_defs {/&\\n vrrp_higher_prio_send_advert true/', 100],
  ])(
    'healed, a split brain with %s costs new clients less than is promised',
    { retry: exhaustive ? 0 : 2, timeout: 300_000 },
    async (_settings, sed, mostMs) => {
      await lab.restoreAll()
      for (const node of members.edge) {
        await onNode(node, `sed -i '${sed}' /etc/keepalived/keepalived.conf; kill -HUP $(cat /run/keepalived.pid)`)
      }
      const [session, scope] = [await sessionOf('lb1'), await scopeOf('lb1', 'edge', 'adverts-blocked')]
      for (let run = 1; run <= runs; run += 1) {
        await holdersAre('edge', 'lb1')
        const injected = await faults.inject(session, scope, guard(40_000), limits())
        await holdersAre('edge', 'lb1', 'lb2')
        const probing = lab.exec('client', ['perl', '-e', probe, lab.topology.vips.edge, '6'], { timeoutMs: 30_000 })
        await faults.revert(session, injected, limits())
        await holdersAre('edge', 'lb1')
        const { code, stdout, stderr } = await probing
        expect(code, stderr).toBe(0)
        expect(Number(stdout), `ms without an answer, run ${run}`).toBeLessThan(mostMs + busyMs)
        if (exhaustive) console.log(`split brain healed, run ${run}: ${stdout} ms without an answer`)
      }
      await lab.restoreAll()
    },
  )

  it('are seen over IPv6, multicast, fast adverts of version 3 and a sync group, where no file is tracked', async () => {
    const vip6 = 'fd51::10'
    const instance = (name: string, priority: number, address: string) => `vrrp_instance ${name} {
      state BACKUP\n interface eth0\n virtual_router_id 51\n priority ${priority}\n version 3\n advert_int 0.2
      virtual_ipaddress {\n ${address}\n }\n}\n`
    const text = (priority: number): string =>
      `vrrp_sync_group EDGE {\n group {\n VI_EDGE\n VI_EDGE6\n }\n}\n` +
      instance('VI_EDGE', priority, `${lab.topology.vips.edge}/24`) +
      instance('VI_EDGE6', priority, `${vip6}/64`)
    for (const [node, priority] of [['lb1', 150] as const, ['lb2', 100] as const]) {
      await lab.exec(node, ['sh', '-c', 'cat > /etc/keepalived/keepalived.conf'], { stdin: text(priority) })
      await lab.stopService(node, 'keepalived')
      await lab.startService(node, 'keepalived')
    }
    const holders6Are = (...nodes: string[]): Promise<void> =>
      waitUntil(`${nodes.join(' and ')} hold ${vip6}`, waitMs, async () => {
        const held = await Promise.all(members.edge.map((node) => onNode(node, `ip -6 -o addr show dev eth0 to ${vip6}`)))
        return members.edge.filter((_, index) => held[index]?.includes(vip6)).join() === nodes.join()
      })
    await holdersAre('edge', 'lb1')
    await holders6Are('lb1')
    const mac = (await onNode('lb1', 'cat /sys/class/net/eth0/address')).trim()
    const client = async (script: string) => (await lab.exec('client', ['sh', '-c', script])).stdout.trim()
    await client('ip -6 addr add fd51::100/64 dev eth0 nodad')
    try {
      const session = await sessionOf('lb1')
      const before = await faults.snapshot(session, limits())
      for (const kind of ['adverts-blocked', 'priority-drop'] as const) {
        const scope = { ...(await scopeOf('lb1', 'edge', kind)), instance: 'VI_EDGE6' }
        expect(await faults.describe(session, scope, limits())).toMatchObject({ missing: [] })
        const injected = await faults.inject(session, scope, guard(40_000), limits())
        const now = kind === 'adverts-blocked' ? ['lb1', 'lb2'] : ['lb2']
        await holdersAre('edge', ...now)
        await holders6Are(...now)
        // this client believes the other one
        const lb2 = (await onNode('lb2', 'cat /sys/class/net/eth0/address')).trim()
        await client(`ip -6 neigh replace ${vip6} dev eth0 lladdr ${lb2} nud stale`)
        await faults.revert(session, injected, limits())
        await holdersAre('edge', 'lb1')
        await holders6Are('lb1')
        await waitUntil(`the client knows who has ${vip6}`, waitMs, async () =>
          (await client(`ip -6 neigh show ${vip6} dev eth0`)).includes(mac),
        )
        await sameAsBefore('lb1', before)
      }
    } finally {
      await client(`ip -6 addr del fd51::100/64 dev eth0; ip -6 neigh flush dev eth0`)
      await lab.restoreAll()
    }
  }, 300_000)

  it('leave nothing wherever the command that makes one is cut', async () => {
    const [session, scope] = [await sessionOf('lb1'), await scopeOf('lb1', 'edge', 'priority-drop')]
    const before = await faults.snapshot(session, limits())
    const reached = new Set<string>()
    for (const seconds of exhaustive ? cuts : cuts.filter((_, index) => index % 3 === 0)) {
      const cut = cutAfter(session, seconds)
      const outcome = faults.inject(cut, scope, guard(20_000), limits())
      const injected = await outcome.catch(() => null)
      const standing = await faults.standing(session, limits())
      reached.add(injected === null ? (standing[0]?.state ?? 'nothing') : 'injected')
      for (const { ticket } of standing) await faults.revert(session, ticket, limits())
      expect(await faults.standing(session, limits())).toEqual([])
      await sameAsBefore('lb1', before)
    }
    expect([...reached], 'the cuts hit before, amid and after').toEqual(expect.arrayContaining(['nothing', 'injected']))
    await holdersAre('edge', 'lb1')
    expect(await onNode('lb1', "ps -eo args | grep 'drill/[g]uard.sh'")).toBe('')
  }, 300_000)

  it('that were taken back before they came do not come any more', async () => {
    const [session, scope] = [await sessionOf('lb1'), await scopeOf('lb1', 'edge', 'priority-drop')]
    const before = await faults.snapshot(session, limits())
    const late = guard(30_000)
    for (let time = 1; time <= 2; time += 1) {
      expect(await faults.revert(session, late, limits()), `time ${time}`).toMatchObject({ by: 'nobody' })
    }
    await expect(faults.inject(session, scope, late, limits())).rejects.toMatchObject({ code: 'drill.refused', effect: 'none' })
    expect(await faults.standing(session, limits())).toEqual([])

    // both at once: one of them finds the other
    for (const delayMs of [0, 5, 10, 20, 40, 80]) {
      const each = guard(30_000)
      const made = faults.inject(session, scope, each, limits()).then(() => 'made', () => 'not made') // prettier-ignore
      await new Promise((resolve) => setTimeout(resolve, delayMs))
      const { by } = await faults.revert(session, each, limits())
      expect([await made, by]).not.toEqual(['made', 'nobody'])
      expect(await faults.standing(session, limits()), `after ${delayMs} ms`).toEqual([])
    }
    await holdersAre('edge', 'lb1')
    await sameAsBefore('lb1', before)
  }, 120_000)

  it('are one at a time on a node, and refused for what is not there', async () => {
    const session = await sessionOf('lb1')
    const scope = await scopeOf('lb1', 'edge', 'backend-loss')
    const first = await faults.inject(session, scope, guard(30_000), limits())
    await expect(faults.inject(session, scope, guard(30_000), limits())).rejects.toMatchObject({
      code: 'job.conflict',
      message: expect.stringContaining('kim@desk'),
    })
    await faults.revert(session, first, limits())
    const elsewhere = { ...scope, instance: "VI_'; reboot; '" }
    await expect(faults.inject(session, elsewhere, guard(30_000), limits())).rejects.toMatchObject({ code: 'drill.refused' })
    expect((await faults.describe(session, { ...scope, backends: [] }, limits())).missing).toHaveLength(1)
    const broken = { ...scope, backends: [{ address: '198.18.0.1', port: 70_000 }] }
    await expect(faults.inject(session, broken, guard(30_000), limits())).rejects.toMatchObject({
      code: 'drill.refused',
      effect: 'none',
    })
    expect(await faults.standing(session, limits())).toEqual([])
  })
})
