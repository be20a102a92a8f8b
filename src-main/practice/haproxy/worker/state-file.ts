import { parseServersState } from '../../../domain/haproxy/parse-servers-state.ts'
import { UnexpectedReply } from '../../../domain/haproxy/unexpected-reply.ts'
import { adminBits, type Backend } from './backend.ts'

/**
 * What `load-server-state-from-file global` brings back from a file that somebody wrote with `show servers state` (measured with 2.6.12):
 * drain, maintenance, and the weight unless its configured value changed. Not addresses, limits or servers that were added. A server that
 * was `disabled` and made ready stays ready.
 */
export function applyStateFile(text: string, backends: Iterable<Backend>): void {
  const rows = (() => {
    try {
      return parseServersState(text)
    } catch (thrown) {
      // A file of another format is ignored, as HAProxy ignores it.
      if (thrown instanceof UnexpectedReply) return []
      throw thrown
    }
  })()
  const byName = new Map(rows.map((row) => [`${row.backend}/${row.server}`, row]))
  for (const backend of backends) {
    if (!backend.proxy.loadsState) continue
    for (const live of backend.servers) {
      const row = byName.get(`${backend.proxy.name}/${live.settings.name}`)
      if (row === undefined) continue
      const forced = row.adminState & (adminBits.forcedMaint | adminBits.forcedDrain)
      backend.setState(live, (forced & adminBits.forcedMaint) !== 0 ? 'maint' : forced !== 0 ? 'drain' : 'ready')
      if (row.configuredWeight === live.settings.weight) live.server.setWeight(row.weight)
    }
  }
}
