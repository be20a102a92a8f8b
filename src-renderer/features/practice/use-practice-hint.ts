import { computed, shallowRef, watch } from 'vue'
import { useFleetStore } from '../../stores/fleet.ts'
import { usePracticeStore } from '../../stores/practice.ts'

const KEY = 'evenkeel.practice.tried'
const steps = ['drain', 'crash', 'revert'] as const
export type PracticeStep = (typeof steps)[number]

/** What a newcomer has not tried yet: drain a server, kill the HAProxy of a node that holds a virtual address, put it right. */
export function usePracticeHint() {
  const fleet = useFleetStore()
  const practice = usePracticeStore()
  const kept = localStorage.getItem(KEY)?.split(' ') ?? []
  const tried = shallowRef<readonly PracticeStep[]>(steps.filter((step) => kept.includes(step)))

  function mark(step: PracticeStep) {
    if (tried.value.includes(step)) return
    tried.value = [...tried.value, step]
    localStorage.setItem(KEY, tried.value.join(' '))
  }

  const hasDrained = computed(() => (fleet.serverCounts.get('draining') ?? 0) + (fleet.serverCounts.get('drained') ?? 0) > 0)
  const killed = computed(() =>
    practice.troubles.filter(({ id }) => id === 'crash-haproxy' || id === 'power-off').map(({ target }) => target),
  )
  /** another node of the pair holds what the killed one held */
  const hasMoved = computed(() =>
    [...fleet.routers.values()].some(
      ({ verdict, holders, members }) =>
        verdict === 'held' &&
        members.some(({ nodeId }) => killed.value.includes(nodeId)) &&
        !holders.some((holder) => killed.value.includes(holder)),
    ),
  )
  watch(hasDrained, (is) => is && mark('drain'), { immediate: true })
  watch(hasMoved, (is) => is && mark('crash'))
  watch(
    () => practice.troubles.length,
    (count) => count === 0 && practice.state === 'open' && tried.value.includes('crash') && mark('revert'),
  )

  return {
    step: computed(() => steps.find((step) => !tried.value.includes(step)) ?? null),
    /** who holds a virtual address now */
    holder: computed(() => [...fleet.routers.values()].find(({ verdict }) => verdict === 'held')?.holders[0] ?? null),
  }
}
