import * as v from 'valibot'
import { Inventory, type ConnectionView, type NodeId } from '#contract'
import { ratesBetween } from '../../../../src-main/domain/fleet/rates.ts'
import type { ServiceReading } from '../../../../src-main/domain/fleet/reading.ts'
import type { NodeFacts, ServiceFacts } from '../../../../src-main/domain/fleet/service-facts.ts'

export const connected: ConnectionView = {
  state: 'connected',
  since: 1,
  error: null,
  attempts: 1,
  retryAt: null,
  roundTripMs: 1,
}
export const lost: ConnectionView = {
  ...connected,
  state: 'waiting',
  since: 5_000,
  error: { code: 'ssh.timeout', message: 'lb did not answer', details: {} },
}

export function serviceFacts(reading: ServiceReading, readAt: number, over: Partial<ServiceFacts> = {}): ServiceFacts {
  const rates = reading.kind === 'keepalived' ? null : ratesBetween(null, { reading, at: readAt })
  return { kind: reading.kind, version: reading.version, reading, readAt, rates, error: null, costMs: 1, costBytes: 1, ...over }
}

export function nodeFacts(services: readonly ServiceFacts[], connection: ConnectionView = connected): NodeFacts {
  return { connection, probed: true, services }
}

export function factsMap(entries: Record<string, NodeFacts>): Map<NodeId, NodeFacts> {
  return new Map(Object.entries(entries).map(([id, facts]) => [id as NodeId, facts]))
}

/** lb1 and lb2 at site tyo in the pair edge, lb3 alone and nowhere. */
export const inventory = v.parse(Inventory, {
  version: 1,
  fleet: 'test',
  sites: [{ id: 'tyo', name: 'Tokyo' }],
  nodes: [
    { id: 'lb1', name: 'lb1', site: 'tyo', ssh: { host: 'lb1.example' } },
    { id: 'lb2', name: 'lb2', site: 'tyo', ssh: { host: 'lb2.example' } },
    { id: 'lb3', name: 'lb3', ssh: { host: 'lb3.example' } },
  ],
  pairs: [{ id: 'edge', name: 'Edge', nodes: ['lb1', 'lb2'] }],
})
