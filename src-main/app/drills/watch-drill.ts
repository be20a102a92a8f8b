/** Imitated clients and the members' kernels, watched for the length of a drill. */
import type { DrillFigures, DrillPlan, NodeId } from '#contract'
import type { LiveFacts } from '../../domain/drill/abort-rules.ts'
import { createGapWatch, longestGap, probeFigures, type Probe } from '../../domain/drill/outage.ts'
import type { AddressChange } from '../../domain/drill/timeline.ts'
import type { Clock } from '../ports/clock.ts'
import type { NodeSession } from '../ports/node-session.ts'
import type { AddressSighting, AddressWatch, RecordedProbes, Recorder, Recording, VrrpAdvert } from '../ports/recorder.ts'

/** A rate is taken over this long, and of at least so many probes. */
const rateMs = 5000
const leastProbes = 20
/** A gap longer than this is an outage: its probes are not errors of what came after. */
const outageMs = 200

/** One member gives the address up when it hears the other, which has it already. */
const handoverMs = 500
/** A probe that is not answered for this long has failed. */
const probeTimeoutMs = 1000

export interface Seen extends RecordedProbes {
  vantage: DrillFigures['vantage']
}

export interface Announcement {
  at: number
  nodeId: NodeId
}

/** One that `nodeId` has heard. */
export interface MemberAdvert extends VrrpAdvert {
  nodeId: NodeId
}

export interface DrillWatch {
  /** the worst of all vantages */
  live(): Omit<LiveFacts, 'otherProblems'> & { longestGapMs: number; sent: number; failed: number }
  /** of the probes until now, for the steady state */
  figures(slowMs: number): ReturnType<typeof probeFigures>
  readonly changes: readonly AddressChange[]
  /** gratuitous ARP, or its like, as other members saw it */
  readonly announcements: readonly Announcement[]
  /** adverts of this virtual router that came to a member */
  readonly adverts: readonly MemberAdvert[]
  /** members of which that is known */
  holders(): NodeId[]
  /** its kernel was watched, and the connection for it is gone: nothing is known of it since */
  isUnseen(nodeId: NodeId): boolean
  /** two members had the address at once for longer than a handover takes */
  wasSplit(): boolean
  /** how far a member's clock is ahead of the console's */
  offsetMs(nodeId: NodeId): number
  stop(): Promise<Seen[]>
}

export async function watchDrill({
  recorder,
  sessionOf,
  plan: { probe },
  vrid,
  members,
  maxMs,
  clock,
  onLost,
  signal,
}: {
  recorder: Recorder
  sessionOf: (nodeId: NodeId) => Promise<NodeSession>
  plan: DrillPlan
  vrid: number
  members: readonly NodeId[]
  maxMs: number
  clock: Clock
  /** something is not seen any more that was to be seen for the length of the drill */
  onLost: (text: string, nodeId: NodeId | null) => void
  signal: AbortSignal
}): Promise<DrillWatch> {
  const { host, from, ...asked } = probe
  const changes: AddressChange[] = []
  const announcements: Announcement[] = []
  const adverts: MemberAdvert[] = []
  const holders = new Set<NodeId>()
  let twoSince: number | null = null
  const unseen = new Set<NodeId>()
  const countOwners = (): void => {
    if (holders.size < 2 && twoSince !== null) splitMs = Math.max(splitMs, clock.monotonic() - twoSince)
    twoSince = holders.size > 1 ? (twoSince ?? clock.monotonic()) : null
  }
  const onSighting = (nodeId: NodeId, { kind: what, at }: AddressSighting): void => {
    if (what === 'announced') return void announcements.push({ at, nodeId })
    if (what === 'lost') holders.delete(nodeId)
    else holders.add(nodeId)
    if (what !== 'held') changes.push({ at, nodeId, has: what === 'gained' })
    countOwners()
  }
  const onUnseen = (nodeId: NodeId, { message }: Error): void => {
    unseen.add(nodeId)
    holders.delete(nodeId)
    countOwners()
    onLost(`the kernel of ${nodeId} is not seen any more: ${message}`, nodeId)
  }
  const clients: { vantage: DrillFigures['vantage']; recording: Recording; live: LiveClient; lost: string | null }[] = []
  const watches = new Map<NodeId, AddressWatch>()
  let splitMs = 0
  try {
    for (const nodeId of members) {
      const session = await sessionOf(nodeId)
      const listener = (sighting: AddressSighting): void => onSighting(nodeId, sighting)
      const onAdvert = (advert: VrrpAdvert): void => {
        if (advert.vrid === vrid) adverts.push({ nodeId, ...advert })
      }
      const watch = await recorder.watch({ session, addresses: [host], listener, onAdvert, maxMs, signal })
      watches.set(nodeId, watch)
      void watch.lost.then((why) => onUnseen(nodeId, why))
    }
    for (const vantage of from) {
      const target = { host, ...asked, timeoutMs: probeTimeoutMs }
      const where = vantage === 'console' ? 'console' : await sessionOf(vantage)
      const recording = await recorder.start({ target, from: where, maxMs, signal })
      const live = createLiveClient(clock.now())
      recording.onProbe((each) => live.note(each))
      const client = { vantage, recording, live, lost: null as string | null }
      clients.push(client)
      void recording.lost.then(({ message }) => {
        client.lost = message
        onLost(`nothing is measured from ${vantage} any more: ${message}`, vantage === 'console' ? null : vantage)
      })
    }
  } catch (thrown) {
    await stopAll()
    throw thrown
  }

  async function stopAll(): Promise<Seen[]> {
    const seen = await Promise.all(clients.map(async ({ vantage, recording }) => ({ vantage, ...(await recording.stop()) })))
    await Promise.all([...watches.values()].map((watch) => watch.stop()))
    return seen
  }

  return {
    changes,
    announcements,
    adverts,
    holders: () => [...holders],
    isUnseen: (nodeId) => unseen.has(nodeId),
    wasSplit: () => twoSince !== null || splitMs > handoverMs,
    offsetMs: (nodeId) => watches.get(nodeId)?.clock().offsetMs ?? 0,
    live() {
      const now = clock.now()
      const measuring = clients.filter(({ lost }) => lost === null)
      const each = (measuring.length > 0 ? measuring : clients).map(({ live }) => live.facts(now))
      const rates = each.flatMap(({ failedPercent }) => failedPercent ?? [])
      return {
        gapMs: Math.max(...each.map(({ gapMs }) => gapMs)),
        longestGapMs: Math.max(...each.map(({ longestGapMs }) => longestGapMs)),
        failedPercent: rates.length === 0 ? null : Math.max(...rates),
        sent: each.reduce((sum, { sent }) => sum + sent, 0),
        failed: each.reduce((sum, { failed }) => sum + failed, 0),
        holders: [...holders],
        twoOwnersForMs: twoSince === null ? 0 : clock.monotonic() - twoSince,
        blind: measuring.length > 0 ? null : (clients[0]?.lost ?? ''),
      }
    },
    figures: (slowMs) =>
      probeFigures(
        clients.flatMap(({ live }) => live.all),
        slowMs,
      ),
    stop: stopAll,
  }
}

type LiveClient = ReturnType<typeof createLiveClient>

function createLiveClient(since: number) {
  const all: Probe[] = []
  const gaps = createGapWatch(since)
  let failed = 0
  let answeringSince = since
  return {
    all: all as readonly Probe[],
    note(probe: Probe): void {
      const end = probe.at + probe.tookMs
      if (probe.ok && gaps.gapMs(end) > outageMs) answeringSince = end
      if (!probe.ok) failed += 1
      gaps.note(probe)
      all.push(probe)
    },
    facts(now: number) {
      const gapMs = gaps.gapMs(now)
      const from = Math.max(now - rateMs, answeringSince)
      const recent: Probe[] = []
      for (let index = all.length - 1; index >= 0; index -= 1) {
        const probe = all[index]
        if (probe === undefined || probe.at < from - rateMs) break
        if (probe.at >= from) recent.push(probe)
      }
      const bad = recent.filter(({ ok }) => !ok).length
      const failedPercent = gapMs > outageMs || recent.length < leastProbes ? null : (bad / recent.length) * 100
      return { gapMs, longestGapMs: gaps.longestMs(now), failedPercent, sent: all.length, failed }
    },
  }
}

/** What each vantage saw: at the fault, and when it was taken back. */
export function figuresOf(
  seen: readonly Seen[],
  { injectedAt, revertedAt, slowMs }: { injectedAt: number | null; revertedAt: number | null; slowMs: number },
): DrillFigures[] {
  return seen.map(({ vantage, probes, clock, held }) => {
    const end = probes.reduce((last, { at, tookMs }) => Math.max(last, at + tookMs), 0)
    const atFault = injectedAt === null ? null : longestGap(probes, injectedAt, revertedAt ?? end)
    const atReturn = revertedAt === null ? null : longestGap(probes, revertedAt, end)
    return {
      vantage,
      ...probeFigures(probes, slowMs),
      outageMs: atFault?.ms ?? null,
      lastGoodAt: atFault?.lastGoodAt ?? null,
      firstGoodAt: atFault?.firstGoodAt ?? null,
      failbackOutageMs: atReturn?.ms ?? null,
      held: held.map(({ what, ending, endedAt, longestSilenceMs }) => ({ what, ending, endedAt, longestSilenceMs })),
      clockOffsetMs: clock.offsetMs,
      uncertaintyMs: clock.uncertaintyMs,
    }
  })
}
