import { onScopeDispose, shallowReactive, watch, type Ref } from 'vue'
import type { ServerId } from '#contract'
import { useFleetStore } from '../../stores/fleet.ts'
import { sumKnown } from './server-figures.ts'

const spanMs = 15 * 60_000
const points = 30
const keptMs = 30_000
const atOnce = 4
const maxKept = 2000
/** one array for all, so that a row without a line is not drawn again on every scroll */
const nothing: readonly (number | null)[] = []

interface Kept {
  readonly at: number
  readonly values: readonly (number | null)[]
}

/**
 * Sessions of the last quarter of an hour for the rows on the screen, and only for those: asked a few at a time, newest scroll
 * position first, kept for half a minute. A row that was scrolled past before its turn is not asked for.
 */
export function useSparklines(visible: Ref<readonly ServerId[]>) {
  const fleet = useFleetStore()
  const kept = shallowReactive(new Map<ServerId, Kept>())
  const asking = new Set<ServerId>()
  let stopped = false
  onScopeDispose(() => (stopped = true))

  async function ask(id: ServerId): Promise<void> {
    asking.add(id)
    const to = Date.now()
    try {
      const byNode = Object.values(await fleet.serverSeries(id, { from: to - spanMs, to, points }))
      const length = Math.max(0, ...byNode.map(({ at }) => at.length))
      const values = Array.from({ length }, (_, index) =>
        sumKnown(byNode.map((series) => series.values['sessions']?.[index] ?? null)),
      )
      kept.set(id, { at: to, values })
    } catch {
      // a line that cannot be had is left out; the page says elsewhere that the host does not answer
      kept.set(id, { at: to, values: [] })
    } finally {
      asking.delete(id)
      if (!stopped) askNext()
    }
  }

  function askNext(): void {
    if (kept.size > maxKept) kept.clear()
    const now = Date.now()
    for (const id of visible.value) {
      if (asking.size >= atOnce) return
      const known = kept.get(id)
      if (!asking.has(id) && (known === undefined || now - known.at > keptMs)) void ask(id)
    }
  }

  watch([visible, () => fleet.at], askNext, { immediate: true })
  return (id: ServerId): readonly (number | null)[] => kept.get(id)?.values ?? nothing
}
