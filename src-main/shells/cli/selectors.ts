import type { FleetSnapshot, ServerView } from '#contract'
import { usageError } from './exit-codes.ts'

/**
 * The server an operator means: by id, `pool/name`, name, or address. The most exact reading that finds anything wins.
 * @throws CliError when there is none, or more than one
 */
export function selectServer(selector: string, { servers, pools }: Pick<FleetSnapshot, 'servers' | 'pools'>): ServerView {
  const poolNames = new Map(pools.map((pool) => [pool.id, pool.name]))
  const readings: ((server: ServerView) => boolean)[] = [
    (server) => server.id === selector,
    (server) => `${poolNames.get(server.poolId) ?? ''}/${server.name}` === selector,
    (server) => server.name === selector,
    (server) => server.address === selector || server.address.replace(/:\d+$/, '') === selector,
  ]
  for (const reading of readings) {
    const [found, ...others] = servers.filter(reading)
    if (found === undefined) continue
    if (others.length === 0) return found
    const candidates = [found, ...others].map((server) => `  ${server.id}`).join('\n')
    throw usageError(`"${selector}" may be any of these servers; say which by its full id:\n${candidates}`)
  }
  throw usageError(`There is no server "${selector}" on any balancer that was read. "evenkeel servers" lists them.`)
}

/**
 * The servers of a pool, those whose name fits a pattern with `*` and `?`, or both, in the balancers' order.
 * @throws CliError when there is none
 */
export function selectServers(
  { pool, match }: { pool?: string | undefined; match?: string | undefined },
  { servers, pools }: Pick<FleetSnapshot, 'servers' | 'pools'>,
): ServerView[] {
  const ids = new Set(pools.filter(({ id, name }) => pool === undefined || id === pool || name === pool).map(({ id }) => id))
  if (ids.size === 0) throw usageError(`There is no pool "${pool ?? ''}" on any balancer that was read.`)
  const fits = match === undefined ? /^/ : patternFrom(match)
  const found = servers.filter(({ poolId, name }) => ids.has(poolId) && fits.test(name))
  if (found.length > 0) return found
  throw usageError(`No server${pool === undefined ? '' : ` of ${pool}`} has a name like "${match ?? ''}".`)
}

/** `*` stands for any characters, `?` for one; everything else for itself. */
function patternFrom(glob: string): RegExp {
  return new RegExp(
    `^${glob
      .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  )
}
