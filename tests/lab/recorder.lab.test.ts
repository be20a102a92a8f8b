import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { AddressSighting, RecordedProbes, VrrpAdvert } from '../../src-main/app/ports/recorder.ts'
import { longestGap, type Gap, type Probe } from '../../src-main/domain/drill/outage.ts'
import { createRecorder } from '../../src-main/recorder/create-recorder.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { openSessions } from './lab-sessions.ts'
import { namespaceOf } from './network.ts'
import { waitUntil } from './run.ts'

const recorder = createRecorder({ clock: systemClock })
const { signal } = new AbortController()
/** What another test does to the machine meanwhile is not the recorder's; a measurement that it has spoilt is made again. */
const measuredAgain = 2
/** of what a capture on the link says */
const allowedMs = 25

/** A program that runs until its input or a signal ends it; gives back all that it said. */
function start(argv: readonly string[]) {
  const [program = '', ...args] = argv
  const child: ChildProcessWithoutNullStreams = spawn(program, args)
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  let complained = ''
  child.stderr.on('data', (chunk: Buffer) => (complained += chunk.toString()))
  const closed = once(child, 'close')
  return {
    said: () => said,
    complained: () => complained,
    async end(how: 'SIGINT' | 'input'): Promise<string> {
      if (how === 'input') child.stdin.end()
      else child.kill(how)
      await closed
      return said
    },
  }
}

interface Answer {
  at: number
  /** of the connection's client */
  port: number
}

interface Recorded {
  client: RecordedProbes
  vantage: RecordedProbes
  /** good answers as they went over the client's and the vantage's link */
  onWire: { client: Answer[]; vantage: Answer[] }
  sightings: (AddressSighting & { node: string })[]
  adverts: (VrrpAdvert & { node: string })[]
  /** what this machine itself may have added to any of the times */
  lateMs: number
}

/** What clients see of a failure is held against packets that were captured on their links. */
describeLab('the recorder', () => {
  let lab: Lab
  let sessions: ReturnType<typeof openSessions>
  const vip = () => lab.topology.vips.edge

  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    sessions = openSessions(lab)
  })
  afterAll(async () => {
    await sessions.close()
    await lab.restoreAll()
  })

  const inNetworkOf = (machine: string, argv: string[]): string[] => [
    'nsenter',
    `--net=/run/netns/${namespaceOf(lab.instance, machine)}`,
    '--',
    ...argv,
  ]

  async function capture(machine: string) {
    const goodAnswer = 'tcp[((tcp[12]&0xf0)>>2):4] = 0x48545450 and tcp[((tcp[12]&0xf0)>>2)+9] = 0x32'
    const filter = `src host ${vip()} and tcp src port 80 and ${goodAnswer}`
    const tcpdump = start(inNetworkOf(machine, ['tcpdump', '-i', 'eth0', '-n', '-tt', '-l', '--immediate-mode', filter]))
    await waitUntil('tcpdump listens', 20_000, () => tcpdump.complained().includes('listening on'))
    return async () => {
      const lines = (await tcpdump.end('SIGINT')).split('\n').filter((line) => /^\d/.test(line))
      return lines.map((line) => {
        const [, seconds, port] = /^([\d.]+) IP .* > [\d.]+\.(\d+):/.exec(line) ?? expect.fail(`tcpdump printed ${line}`)
        return { at: Number(seconds) * 1000, port: Number(port) }
      })
    }
  }

  /** Everything that is recorded while `happening` goes on. */
  async function record(happening: () => Promise<void>): Promise<Recorded> {
    const captures = [await capture('client'), await capture('lb3')] as const
    const client = start(inNetworkOf('client', [process.execPath, join(import.meta.dirname, 'probe-child.ts'), vip()]))
    const target = { host: vip(), port: 80, kind: 'http' as const, path: '/', everyMs: 20, timeoutMs: 1000 }
    const vantage = await recorder.start({ target, from: await sessions.to('lb3'), maxMs: 300_000, signal })
    const sightings: Recorded['sightings'] = []
    const adverts: Recorded['adverts'] = []
    const watches = await Promise.all(
      ['lb1', 'lb2', 'lb3'].map(async (node) =>
        recorder.watch({
          session: await sessions.to(node),
          addresses: [vip()],
          listener: (sighting) => sightings.push({ ...sighting, node }),
          onAdvert: (advert) => adverts.push({ ...advert, node }),
          maxMs: 300_000,
          signal,
        }),
      ),
    )
    await waitUntil('the client probes', 30_000, () => client.said().includes('ready'))
    let good = 0
    const forget = vantage.onProbe(({ ok }) => void (ok && (good += 1)))
    await waitUntil('the vantage gets answers', 20_000, () => good > 20)
    await happening()
    good = 0
    await waitUntil('the vantage gets answers again', 30_000, () => good > 20)
    forget()
    const fromVantage = await vantage.stop()
    await Promise.all(watches.map((watch) => watch.stop()))
    const { lateMs, ...fromClient } = JSON.parse((await client.end('input')).replace('ready\n', '')) as RecordedProbes & {
      lateMs: number
    }
    const [atClient, atVantage] = [await captures[0](), await captures[1]()]
    return {
      client: fromClient,
      vantage: fromVantage,
      onWire: { client: atClient, vantage: atVantage },
      sightings,
      adverts,
      lateMs,
    }
  }

  const holder = (node: string) =>
    waitUntil(`${node} alone has the address`, 30_000, async () => (await lab.holders('edge')).join() === node)

  /** As it was measured from the client's place. `isClear`: begin and end stand out, and are compared as well. */
  function compare(recorded: Recorded, from: number, to: number, isClear: boolean): Gap {
    const gapOf = (probes: readonly Probe[]): Gap => longestGap(probes, from, to) ?? expect.fail('there were no good answers')
    const room = allowedMs + recorded.lateMs
    for (const place of ['client', 'vantage'] as const) {
      const { probes, held } = recorded[place]
      const heldPorts = new Set(held.map(({ localPort }) => localPort))
      const answers = recorded.onWire[place].filter(({ port }) => !heldPorts.has(port))
      const measured = gapOf(probes)
      const truth = gapOf(answers.map(({ at }) => ({ at, tookMs: 0, ok: true })))
      // its begin and its end may both have been late
      expect(Math.abs(measured.ms - truth.ms), `${place}: the outage`).toBeLessThan(room + recorded.lateMs)
      if (!isClear) continue
      expect(Math.abs(measured.lastGoodAt - truth.lastGoodAt), `${place}: its begin`).toBeLessThan(room)
      expect(Math.abs((measured.firstGoodAt ?? Infinity) - (truth.firstGoodAt ?? 0)), `${place}: its end`).toBeLessThan(room)
    }
    return gapOf(recorded.client.probes)
  }

  const atOf = ({ sightings }: Recorded, node: string, kind: AddressSighting['kind']): number =>
    sightings.find((one) => one.node === node && one.kind === kind)?.at ?? expect.fail(`${node}: ${kind} was not seen`)

  beforeEach(async () => {
    await lab.restoreAll()
    await holder('lb1')
  })

  it(
    'measures a stop of keepalived as the wire shows it, and puts what the kernels did beside it',
    { retry: measuredAgain, timeout: 120_000 },
    async () => {
      let stoppedAt = 0
      const recorded = await record(async () => {
        stoppedAt = Date.now()
        await lab.stopService('lb1', 'keepalived')
        await holder('lb2')
      })
      const { lastGoodAt, firstGoodAt, ms } = compare(recorded, stoppedAt, Date.now(), true)
      // without an owner for the skew time of lb2, (256 − 100) ÷ 256 × 1 s
      expect(ms).toBeGreaterThan(500)
      expect(recorded.sightings.filter(({ kind }) => kind === 'held')).toMatchObject([{ node: 'lb1', address: vip() }])
      const [lost, gained, announced] = [
        atOf(recorded, 'lb1', 'lost'),
        atOf(recorded, 'lb2', 'gained'),
        atOf(recorded, 'lb3', 'announced'),
      ]
      const room = allowedMs + recorded.lateMs
      expect(lost).toBeGreaterThan(lastGoodAt - room)
      expect(gained - lost).toBeGreaterThan(500)
      expect(announced).toBeGreaterThan(gained - room)
      expect(firstGoodAt).toBeGreaterThan(gained - room)
      const { stdout } = await lab.exec('lb2', ['cat', '/sys/class/net/eth0/address'])
      expect(recorded.sightings.find(({ kind }) => kind === 'announced')?.lladdr).toBe(stdout.trim())
      // lb2 heard lb1 every second, and its farewell
      const heard = recorded.adverts.filter(({ node, vrid }) => node === 'lb2' && vrid === 51)
      expect(heard.at(0)).toMatchObject({ from: lab.node('lb1').data, priority: 150 })
      const farewell = heard.find(({ priority }) => priority === 0) ?? expect.fail('no farewell was heard')
      expect(Math.abs(farewell.at - lost)).toBeLessThan(room)
      // Both who kept a connection lost it: lb2 has never heard of it.
      for (const { held } of [recorded.client, recorded.vantage]) expect(held[0]).toMatchObject({ ending: 'reset' })
      expect(recorded.vantage.clock.uncertaintyMs).toBeLessThan(20)
      expect(Math.abs(recorded.vantage.clock.offsetMs)).toBeLessThanOrEqual(recorded.vantage.clock.uncertaintyMs + 1)
    },
  )

  it('measures a cut cable, when nothing answers at all', { retry: measuredAgain, timeout: 120_000 }, async () => {
    const cutAt = Date.now()
    const recorded = await record(async () => {
      await lab.cutCable('lb1', 'data')
      await waitUntil('lb2 has the address', 30_000, async () => (await lab.holders('edge')).includes('lb2'))
    })
    const { ms } = compare(recorded, cutAt, Date.now(), true)
    expect(ms).toBeGreaterThan(2000)
    expect(recorded.client.probes.some(({ outcome }) => outcome === 'timeout' || outcome === 'unreachable')).toBe(true)
  })

  it(
    'measures a hard kill of keepalived, which leaves the address behind',
    { retry: measuredAgain, timeout: 120_000 },
    async () => {
      const killedAt = Date.now()
      const recorded = await record(async () => {
        // frozen first, or a child would take the address away as it sees its parent die
        await lab.exec('lb1', ['sh', '-c', 'pkill -STOP -x keepalived; pkill -KILL -x keepalived'])
        await waitUntil('lb2 has the address too', 30_000, async () => (await lab.holders('edge')).join() === 'lb1,lb2')
      })
      compare(recorded, killedAt, Date.now(), false)
      expect(recorded.sightings.filter(({ kind }) => kind === 'lost')).toEqual([])
    },
  )
})
