import type { DrainRecord, DrainShare, NodeId } from '#contract'
import { observedShares } from '../../domain/drain/forecast.ts'
import type { FleetService } from '../fleet-service.ts'

/**
 * What became of the shares that were foretold. Rates lie between two readings of a balancer: those from before the server was out, or across
 * that moment, say nothing of what came after it.
 */
export function createDrainOutcome(fleet: FleetService) {
  /** by balancer: when it was first read after the drain was empty */
  const firstRead = new WeakMap<DrainRecord, Map<NodeId, number>>()

  return {
    /** Null: a balancer has not been read twice since the drain was empty. */
    sharesOf(drain: DrainRecord): DrainShare[] | null {
      const { emptyAt, forecast } = drain
      if (emptyAt === null) return null
      const { nodes, servers } = fleet.snapshot()
      const first = firstRead.get(drain) ?? new Map<NodeId, number>()
      firstRead.set(drain, first)
      const isMeasured = (id: NodeId): boolean => {
        const services = nodes.find((node) => node.id === id)?.services ?? []
        const readAt = Math.min(...services.flatMap((service) => (service.kind === 'keepalived' ? [] : (service.readAt ?? []))))
        const from = first.get(id)
        if (from === undefined && readAt > emptyAt) first.set(id, readAt)
        return from !== undefined && readAt > from
      }
      const measured = [...new Set(forecast.shares.map(({ nodeId }) => nodeId))].map(isMeasured)
      return measured.every(Boolean) ? observedShares(forecast.shares, servers) : null
    },
  }
}
