import type {
  BalancerReading,
  InstanceReading,
  PoolReading,
  ServerReading,
  VrrpReading,
} from '../../../../src-main/domain/fleet/reading.ts'

/** Readings for tests: a plain healthy thing, with what the test is about put over it. */
export function server(name: string, over: Partial<ServerReading> = {}): ServerReading {
  return {
    name,
    address: `198.18.0.1:${8000 + name.length}`,
    state: 'up',
    word: 'UP',
    weight: 1,
    backup: false,
    sessions: 0,
    sessionLimit: null,
    queue: 0,
    rate: 0,
    totalSessions: 0,
    errors: 0,
    responseMs: null,
    adminState: 0,
    agentCheck: false,
    check: null,
    sinceS: null,
    ...over,
  }
}

export function pool(name: string, servers: ServerReading[], over: Partial<PoolReading> = {}): PoolReading {
  return {
    name,
    mode: 'http',
    algorithm: 'roundrobin',
    usable: null,
    requests: 0,
    errors: 0,
    sessions: 0,
    servers,
    ...over,
  }
}

export function haproxy(pools: PoolReading[], over: Partial<BalancerReading> = {}): BalancerReading {
  return { kind: 'haproxy', version: '2.6.12', pid: 100, uptimeS: 60, workers: [], pools, canSetState: true, ...over }
}

export function instance(name: string, over: Partial<InstanceReading> = {}): InstanceReading {
  return {
    name,
    vrid: 51,
    addresses: ['198.18.0.100/24'],
    state: 'BACKUP',
    wantState: 'BACKUP',
    configuredPriority: 100,
    effectivePriority: 100,
    kernelAddresses: [],
    interface: 'eth0',
    advertIntMs: 1000,
    nopreempt: false,
    lastTransition: null,
    tracked: [],
    counters: {},
    ...over,
  }
}

export function master(name: string, over: Partial<InstanceReading> = {}): InstanceReading {
  return instance(name, { state: 'MASTER', wantState: 'MASTER', kernelAddresses: ['198.18.0.100/24'], ...over })
}

export function keepalived(instances: InstanceReading[], over: Partial<VrrpReading> = {}): VrrpReading {
  return {
    kind: 'keepalived',
    version: '2.2.7',
    pid: 200,
    uptimeS: 60,
    running: true,
    daemonAnswered: true,
    daemonAgeMs: 0,
    instances,
    segment: { macs: [], addresses: [], sightings: [] },
    ...over,
  }
}
