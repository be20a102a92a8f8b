/**
 * Who is who in a practice fleet: sites, pairs of balancers with a virtual address each, and the application servers behind them.
 * Only numbers and names; addresses come when there is a network.
 */
export interface FleetPlan {
  readonly sites: readonly SitePlan[]
  /** between two health checks of one server; longer in large fleets, so that checking costs the same */
  readonly checkMs: number
}

export interface SitePlan {
  readonly id: string
  readonly name: string
  readonly pairs: readonly PairPlan[]
  readonly backends: readonly BackendPlan[]
}

export interface PairPlan {
  readonly id: string
  readonly name: string
  readonly routerId: number
  /** the virtual address, by its place on the site's segment; so is every `host` */
  readonly host: number
  readonly nodes: readonly NodePlan[]
}

export interface NodePlan {
  readonly id: string
  readonly host: number
  readonly priority: number
}

export type BackendRole = 'web' | 'api' | 'queue'

export interface BackendPlan {
  readonly name: string
  readonly role: BackendRole
  readonly host: number
}

export const ports = { ssh: 2222, web: 8080, queue: 5672, portal: 8090, feed: 5673, status: 8091, application: 8000 } as const

/** hosts of a segment: virtual addresses from 10, balancers from 110, clients at 9, application servers from 1000 */
const hosts = { clients: 9, virtual: 10, balancer: 110, application: 1000 } as const
export const clientsHost = hosts.clients

const places = [
  { id: 'practice-tokyo', name: 'Tokyo (practice)', letter: 't', code: 'tyo' },
  { id: 'practice-osaka', name: 'Osaka (practice)', letter: 'o', code: 'osa' },
] as const

const normalServers: readonly BackendRole[] = ['web', 'web', 'web', 'web', 'api', 'api', 'queue', 'queue']
/** checks per second and site that cost little beside everything else */
const checksPerSecond = 60

/**
 * @param nodes rounded up to whole pairs, which take turns between the sites
 * @param servers of each site; each balancer has them all
 */
export function planFleet({ nodes = 4, servers = normalServers.length }: { nodes?: number; servers?: number } = {}): FleetPlan {
  const pairCount = Math.ceil(nodes / 2)
  const roles = rolesOf(servers)
  const pairsPerSite = Math.ceil(pairCount / places.length)
  const checked = roles.length * 2 * pairsPerSite
  return {
    checkMs: Math.max(1000, Math.ceil(checked / checksPerSecond) * 1000),
    sites: places.slice(0, pairCount).map(({ id, name, letter, code }, site) => ({
      id,
      name,
      pairs: Array.from({ length: Math.ceil((pairCount - site) / places.length) }, (_, index): PairPlan => {
        const number = index === 0 ? '' : String(index + 1)
        return {
          id: `practice-${code}${number}`,
          name: `${name.replace(' (practice)', '')} edge${index === 0 ? '' : ` ${index + 1}`}`,
          routerId: 51 + index,
          host: hosts.virtual + index,
          nodes: [0, 1].map((member) => ({
            id: `lb-${letter}${2 * index + member + 1}`,
            host: hosts.balancer + 2 * index + member,
            priority: member === 0 ? 150 : 100,
          })),
        }
      }),
      backends: roles.map((role, index) => ({
        name: `${code}-${role}${roles.slice(0, index + 1).filter((other) => other === role).length}`,
        role,
        host: hosts.application + index,
      })),
    })),
  }
}

/** The normal eight; in a large fleet what is more goes to the web pool. */
function rolesOf(servers: number): BackendRole[] {
  const more = Array.from({ length: Math.max(0, servers - normalServers.length) }, (): BackendRole => 'web')
  return [...normalServers.slice(0, 4), ...more, ...normalServers.slice(4)]
}
