import type { Inventory, NodeId, SiteId, Totals } from '#contract'
import type { NodeFacts, ServiceFacts } from './service-facts.ts'
import { isReadable } from './service-facts.ts'

type SiteTotals = Totals['sites'][number]

/** A sum that stays null until something was added to it. */
interface Sums {
  requestsPerS: number | null
  errorsPerS: number | null
  sessions: number | null
  responseWeight: number
  responseSum: number
}

/** Reading a service again makes new facts, so its sums are computed once per reading. */
const sumsOf = new WeakMap<ServiceFacts, Sums>()

/** What flows through the balancers of every site now, from those that can be read. Sites in the order of the inventory. */
export function totalsOf(
  inventory: Inventory,
  factsOf: (nodeId: NodeId) => NodeFacts,
  now: number,
  previous: Totals | null,
): Totals {
  const bySite = new Map<SiteId | null, Sums>()
  for (const { id } of inventory.sites) bySite.set(id, emptySums())
  for (const node of inventory.nodes) {
    const site = node.site ?? null
    const sums = bySite.get(site) ?? emptySums()
    bySite.set(site, sums)
    const facts = factsOf(node.id)
    for (const service of facts.services) if (isReadable(service, facts.connection)) addTo(sums, serviceSums(service))
  }
  const sites = [...bySite].map(([site, sums]) => siteTotals(site, sums))
  return previous !== null && JSON.stringify(previous.sites) === JSON.stringify(sites) ? previous : { at: now, sites }
}

function serviceSums(service: ServiceFacts): Sums {
  const known = sumsOf.get(service)
  if (known !== undefined) return known
  const sums = emptySums()
  const { reading, rates } = service
  if (reading !== null && reading.kind !== 'keepalived') {
    reading.pools.forEach((pool, index) => {
      const { requestsPerS = null, errorsPerS = null } = rates?.pools[index] ?? {}
      addTo(sums, { ...emptySums(), requestsPerS, errorsPerS, sessions: pool.sessions })
      for (const server of pool.servers) {
        // An idle server's last average says nothing about now.
        const weight = server.responseMs === null ? 0 : (server.rate ?? 0)
        sums.responseWeight += weight
        sums.responseSum += weight * (server.responseMs ?? 0)
      }
    })
    // Counted by pool or as a whole, never both: a request would be counted twice.
    sums.requestsPerS ??= rates?.requestsPerS ?? null
  }
  sumsOf.set(service, sums)
  return sums
}

function siteTotals(site: SiteId | null, sums: Sums): SiteTotals {
  return {
    site,
    requestsPerS: sums.requestsPerS,
    errorsPerS: sums.errorsPerS,
    sessions: sums.sessions,
    responseMs: sums.responseWeight === 0 ? null : sums.responseSum / sums.responseWeight,
  }
}

function emptySums(): Sums {
  return { requestsPerS: null, errorsPerS: null, sessions: null, responseWeight: 0, responseSum: 0 }
}

function addTo(sums: Sums, more: Sums): void {
  sums.requestsPerS = plus(sums.requestsPerS, more.requestsPerS)
  sums.errorsPerS = plus(sums.errorsPerS, more.errorsPerS)
  sums.sessions = plus(sums.sessions, more.sessions)
  sums.responseWeight += more.responseWeight
  sums.responseSum += more.responseSum
}

function plus(a: number | null, b: number | null): number | null {
  if (a === null) return b
  return b === null ? a : a + b
}
