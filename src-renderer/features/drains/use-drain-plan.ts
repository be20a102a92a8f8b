import { computed } from 'vue'
import type { DrainPlan, NodeId, PoolId } from '#contract'
import { useFleetStore } from '../../stores/fleet.ts'
import { connectedOf, groupCommands, groupFloor, groupSticky, sessionsOf, survivorsOf } from './drain-figures.ts'

/** A plan in the window's words and order. */
export function useDrainPlan(plan: () => DrainPlan) {
  const fleet = useFleetStore()
  const nameOf = (id: NodeId) => fleet.nodes.get(id)?.name ?? id
  const poolName = (id: PoolId) => fleet.pools.get(id)?.name ?? id
  return {
    commands: computed(() =>
      groupCommands(plan().places).map((place) => ({ ...place, nodes: place.nodes.map(nameOf).join(', ') })),
    ),
    nameOf,
    sticky: computed(() => groupSticky(plan().places)),
    /** balancers whose files could not be read */
    stickyUnknownOn: computed(() =>
      [...new Set(plan().places.flatMap(({ sticky, nodeId }) => (sticky === null ? [nameOf(nodeId)] : [])))].join(', '),
    ),
    nodes: computed(() => [...new Set(plan().places.map(({ nodeId }) => nameOf(nodeId)))].join(', ')),
    sessions: computed(() => sessionsOf(plan().places.map(({ left }) => left))),
    connected: computed(() => connectedOf(plan().places)),
    survivors: computed(() => survivorsOf(plan().forecast.shares)),
    floor: computed(() =>
      groupFloor(plan().floor).map((check) => ({
        ...check,
        key: `${check.pool} ${check.nodes.join(' ')}`,
        pool: poolName(check.pool),
        nodes: check.nodes.map(nameOf).join(', '),
      })),
    ),
  }
}
