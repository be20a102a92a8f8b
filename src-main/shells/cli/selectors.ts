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
