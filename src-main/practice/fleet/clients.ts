import type { Machine } from '../machine/machine.ts'
import { startLoad, type LoadFigures, type LoadGenerator, type LoadSpec } from '../load/load-generator.ts'
import type { PracticeLoad } from '#contract'
import { ports } from './site-plan.ts'

/** The clients of the whole fleet: on one machine per site, which asks the site's first virtual address. */
export interface Clients {
  setRate(perSecond: number): void
  /** The figures begin anew: clients that keep cookies are others than those that do not. */
  setStickyPercent(percent: number): void
  /** Downloads of ten seconds each on one site, beside everything else, until it is undone. */
  fill(site: string, perSecond: number): () => void
  figures(): PracticeLoad
  stop(): void
}

export interface ClientSite {
  readonly id: string
  readonly machine: Machine
  /** the virtual address they ask */
  readonly address: string
  /** whether a balancer has it by now; nobody asks before */
  isServed(): boolean
}

export const normalLoad = { perSecond: 40, stickyPercent: 30 } as const

/** what share of a site's requests goes where */
const shares = [
  { port: ports.web, path: '/', share: 0.6 },
  { port: ports.web, path: '/api/items', share: 0.25 },
  { port: ports.portal, path: '/', share: 0.15 },
] as const
const consumersPerSite = 8
const lookEveryMs = 250
/** Who has been there this long goes, cookie and all; so a drained server is left in the end. */
const visitMs = 15_000

export function startClients(sites: readonly ClientSite[], random: () => number): Clients {
  let { perSecond, stickyPercent }: { perSecond: number; stickyPercent: number } = normalLoad
  const generate = ({ machine, address }: ClientSite, spec: Pick<LoadSpec, 'port' | 'path' | 'perSecond' | 'longLived'>) =>
    startLoad(
      {
        ...{ address, host: 'shop.example', keepAliveShare: 0.5, slowMs: 500, timeoutMs: 10_000, visitMs },
        ...{ stickyShare: stickyPercent / 100, ...spec },
      },
      { network: machine.network, clock: machine.clock, pid: pidOf(machine), random },
    )
  let running: { generator: LoadGenerator; share: number }[] = []
  /** per site that is not served yet: ends the waiting */
  const waiting = new Map<ClientSite, () => void>()
  const fillers = new Set<LoadGenerator>()

  function begin(site: ClientSite): void {
    if (!site.isServed())
      return void waiting.set(
        site,
        site.machine.clock.after(lookEveryMs, () => begin(site)),
      )
    waiting.delete(site)
    for (const { port, path, share: ofSite } of shares) {
      const share = ofSite / sites.length
      running.push({ generator: generate(site, { port, path, perSecond: perSecond * share, longLived: 0 }), share })
    }
    running.push({
      generator: generate(site, { port: ports.queue, path: '/', perSecond: 0, longLived: consumersPerSite }),
      share: 0,
    })
  }

  function stopAll(): void {
    for (const cancel of waiting.values()) cancel()
    waiting.clear()
    for (const { generator } of running) generator.stop()
    running = []
  }

  sites.forEach(begin)
  return {
    setRate(next) {
      perSecond = next
      for (const { generator, share } of running) generator.setRate(perSecond * share)
    },
    setStickyPercent(next) {
      stickyPercent = next
      stopAll()
      sites.forEach(begin)
    },
    fill(siteId, rate) {
      const site = sites.find(({ id }) => id === siteId)
      if (site === undefined) return () => undefined
      const path = '/download?bytes=500000&perSecond=50000'
      const filler = generate(site, { port: ports.web, path, perSecond: rate, longLived: 0 })
      fillers.add(filler)
      return () => {
        fillers.delete(filler)
        filler.stop()
      }
    },
    figures() {
      const all = [...running.map(({ generator }) => generator), ...fillers].map((generator) => generator.figures())
      const sum = (of: (figures: LoadFigures) => number): number => all.reduce((total, one) => total + of(one), 0)
      return {
        perSecond,
        stickyPercent,
        ok: sum(({ ok }) => ok),
        slow: sum(({ slow }) => slow),
        failed: sum(({ failed }) => failed),
        skipped: sum(({ skipped }) => skipped),
        underWay: sum(({ underWay }) => underWay),
        longLived: sum(({ longLived }) => longLived),
        broken: sum(({ broken }) => broken),
      }
    },
    stop() {
      stopAll()
      for (const filler of fillers) filler.stop()
    },
  }
}

function pidOf({ processes }: Machine): number {
  const found = processes.list().find(({ name }) => name === 'clients')
  return (found ?? processes.spawn({ argv: ['clients'], exe: '/usr/bin/clients' })).pid
}
