import { abortBy } from '../../domain/drill/abort-rules.ts'
import type { Ended } from './conclude-drill.ts'
import { faultedOf, limitsOf, sessionOf, tickMs, type Run } from './drill-run.ts'
import type { DrillWatch } from './watch-drill.ts'

const leastBeatMs = 1000

/** Keeps the guard waiting until time is up or something ends it before. `tell`: how long the guard would wait yet. */
export async function holdFault(run: Run, watch: DrillWatch, tell: (guardLeftMs: number) => void): Promise<Ended> {
  const { parts, drill, signal } = run
  const { clock, faults, book } = parts
  const { holdMs, guardMs: expiresAfterMs } = drill.plan
  const known = new Set(criticalProblems(run))
  const began = clock.monotonic()
  const beatEveryMs = Math.max(leastBeatMs, expiresAfterMs / 4)
  let heard = began
  let beatAt = began + beatEveryMs
  let beating: Promise<void> | null = null
  const beat = async (): Promise<void> => {
    const sent = clock.monotonic()
    try {
      const nodes = faultedOf(drill)
      await Promise.all(
        nodes.map(async (node) =>
          faults.heartbeat(await sessionOf(run, node), { id: drill.id }, { expiresAfterMs }, limitsOf(run)),
        ),
      )
      heard = sent
    } catch {
      // The fault may be that the node cannot be reached: its guard counts on, and `heard` says how long.
    } finally {
      beating = null
    }
  }
  while (clock.monotonic() - began < holdMs) {
    await clock.sleep(tickMs, signal)
    const now = clock.monotonic()
    if (now >= beatAt && beating === null) {
      beatAt = now + beatEveryMs
      beating = beat()
    }
    tell(Math.max(0, expiresAfterMs - (now - heard)))
    if (parts.isStopped(drill.id)) {
      book.note(drill.id, { kind: 'stop', nodeId: null, text: 'The operator stopped it.' })
      return { ending: 'operator', said: 'The operator stopped it.' }
    }
    const otherProblems = criticalProblems(run).filter((each) => !known.has(each))
    const abort = abortBy(drill.plan, { ...watch.live(), otherProblems })
    if (abort !== null) {
      book.note(drill.id, { kind: 'abort', nodeId: null, text: abort.said })
      return { ending: 'abort', ...abort }
    }
  }
  return { ending: 'time', said: 'Time is up; the fault is being taken back.' }
}

/** Critical problems of the same pair or site that the fault itself is no reason for. */
function criticalProblems({ parts, drill }: Run): string[] {
  const { problems, nodes } = parts.fleet.snapshot()
  const own = nodes.find(({ id }) => id === drill.node)
  const faulted = faultedOf(drill)
  const shares = (one: string | null, other: string | null | undefined): boolean => one !== null && one === other
  const inScope = new Set(
    nodes.filter(({ pair, site }) => shares(pair, own?.pair) || shares(site, own?.site)).map(({ id }) => id),
  )
  return problems
    .filter(({ severity, router, nodes: of }) => {
      const others = of.filter((nodeId) => !faulted.includes(nodeId))
      return severity === 'critical' && router !== drill.plan.router && others.some((nodeId) => inScope.has(nodeId))
    })
    .map(({ kind, nodes: of }) => `${kind} on ${of.join(', ')}`)
}
