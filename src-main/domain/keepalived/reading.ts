import { canonicalAddress } from '../net/ip-address.ts'
import type { InstanceReading, SegmentReading, VrrpReading } from '../fleet/reading.ts'
import type { ConfiguredInstance } from './parse-config.ts'
import type { TrackedThing } from './parse-data-dump.ts'
import type { KernelNetwork } from './parse-ip-addr.ts'
import type { DumpedInstance } from './parse-json-dump.ts'

/** What stays known of an instance while its daemon is silent. */
export type KnownInstance = Omit<ConfiguredInstance, 'unicastPeers' | 'file' | 'line'>

export interface KeepalivedFacts {
  version: string
  pid: number | null
  uptimeS: number | null
  running: boolean
  /** what the daemon said; null: it did not answer */
  dumped: readonly DumpedInstance[] | null
  /** how long ago it said so */
  ageMs: number
  tracked: readonly TrackedThing[]
  /** what is known of the instances otherwise: the daemon's last answer, else the configuration file */
  fallback: readonly KnownInstance[]
  kernel: KernelNetwork
  sightings: SegmentReading['sightings']
}

/**
 * The daemon's word and the kernel's word about the same instances, side by side. A daemon that was killed leaves its addresses
 * behind and a stopped one holds them without answering, so `kernelAddresses` never depends on the daemon.
 */
export function readingFromKeepalived(facts: KeepalivedFacts): VrrpReading {
  return {
    kind: 'keepalived',
    version: facts.version,
    pid: facts.pid,
    uptimeS: facts.uptimeS,
    running: facts.running,
    daemonAnswered: facts.dumped !== null,
    daemonAgeMs: facts.ageMs,
    instances:
      facts.dumped === null
        ? facts.fallback.map((instance) => fromKnown(instance, facts.kernel))
        : facts.dumped.map((instance) => fromDumped(instance, facts.tracked, facts.kernel)),
    segment: {
      macs: facts.kernel.macs,
      addresses: facts.kernel.addresses.flatMap((each) => (each.interface === 'lo' ? [] : [each.address])),
      sightings: facts.sightings,
    },
  }
}

function fromDumped(instance: DumpedInstance, tracked: readonly TrackedThing[], kernel: KernelNetwork): InstanceReading {
  return {
    name: instance.name,
    vrid: instance.vrid,
    addresses: instance.addresses,
    kernelAddresses: heldBy(kernel, instance.addresses),
    state: instance.state,
    wantState: instance.wantState,
    configuredPriority: instance.basePriority,
    effectivePriority: instance.effectivePriority,
    interface: instance.interface,
    advertIntMs: instance.advertIntMs,
    nopreempt: instance.nopreempt,
    lastTransition: instance.lastTransition,
    tracked: tracked.flatMap(({ kind, name, status, instances }) =>
      instances.filter((each) => each.name === instance.name).map(({ weight }) => ({ kind, name, weight, status })),
    ),
    counters: instance.counters,
  }
}

function fromKnown(instance: KnownInstance, kernel: KernelNetwork): InstanceReading {
  return {
    name: instance.name,
    vrid: instance.vrid,
    addresses: instance.addresses,
    kernelAddresses: heldBy(kernel, instance.addresses),
    state: null,
    wantState: null,
    configuredPriority: instance.priority,
    effectivePriority: null,
    interface: instance.interface,
    advertIntMs: instance.advertIntMs,
    nopreempt: instance.nopreempt,
    lastTransition: null,
    tracked: instance.tracked.map((track) => ({ ...track, status: '' })),
    counters: {},
  }
}

/**
 * Those of `addresses` that the kernel has, on any interface (an address may stand on another one than the instance speaks on) and
 * with any prefix length (keepalived sets /32 where the configuration names none).
 */
function heldBy(kernel: KernelNetwork, addresses: readonly string[]): string[] {
  const held = new Set(kernel.addresses.map((entry) => entry.address))
  return addresses.filter((address) => {
    const canonical = canonicalAddress(address)
    return canonical !== null && held.has(canonical)
  })
}

/** What is kept of the daemon's own last answer, for when it stops answering: it is what it loaded, which the file may not be. */
export function knownFromReading(instances: readonly InstanceReading[]): KnownInstance[] {
  return instances.map(({ name, vrid, addresses, tracked, ...instance }) => ({
    name,
    vrid,
    addresses,
    interface: instance.interface,
    priority: instance.configuredPriority,
    advertIntMs: instance.advertIntMs,
    nopreempt: instance.nopreempt,
    tracked: tracked.map(({ kind, name: trackedName, weight }) => ({ kind, name: trackedName, weight })),
  }))
}
