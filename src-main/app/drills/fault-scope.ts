import type { FaultSpec, NodeId, RouterId } from '#contract'
import { instanceOf } from '../../domain/drill/vrrp-members.ts'
import { parseTree } from '../../domain/keepalived/config-tree.ts'
import { viewOf } from '../../domain/keepalived/config-view.ts'
import type { FaultScope } from '../ports/fault-admin.ts'
import { routerOf, type ForeseeParts } from './foresee-fault.ts'

const readMs = 20_000

/** What a fault on one member is about, from the node's own files and from what its balancer serves. Throws `ssh.*`, `exec.*`. */
export async function faultScope(
  parts: ForeseeParts,
  { router: id, node, fault }: { router: RouterId; node: NodeId; fault: FaultSpec },
  signal: AbortSignal,
): Promise<FaultScope> {
  const router = routerOf(parts, id)
  const { session, services } = await parts.servicesOf(node, signal)
  const files = await services.find(({ kind }) => kind === 'keepalived')?.readConfig(session, { signal, timeoutMs: readMs })
  const keepalived = (files ?? []).flatMap(({ path, bytes }) => (bytes === null ? [] : [{ path, bytes }]))
  const views = keepalived.map(({ path, bytes }) => viewOf(path, parseTree(bytes.toString('utf8'))))
  return {
    fault,
    // Members may call the same router by different names; the number says which it is.
    instance: instanceOf(views, router.name, router.vrid)?.name ?? router.name,
    keepalived,
    balancer: services.some(({ kind }) => kind === 'haproxy') ? 'haproxy' : 'nginx',
    backends: backendsOf(parts, node),
  }
}

function backendsOf({ fleet }: ForeseeParts, node: NodeId): FaultScope['backends'] {
  const addresses = fleet
    .snapshot()
    .servers.flatMap(({ on, address }) => (on.some(({ nodeId }) => nodeId === node) ? [address] : []))
  return [...new Set(addresses)].flatMap((text) => {
    const [, address = '', port = ''] = /^\[?([0-9A-Fa-f.:]+?)\]?:(\d+)$/.exec(text) ?? []
    return address === '' ? [] : [{ address, port: Number(port) }]
  })
}
