import type { Instance } from './instance.ts'

export type Service = 'sshd' | 'haproxy' | 'nginx' | 'keepalived'

/** One balancer of the lab. */
export interface LabNode {
  id: string
  pair: 'edge' | 'core' | null
  site: 'tyo' | 'osa'
  /** where the console reaches its sshd */
  management: string
  /** eth0: carries the virtual address and the traffic */
  data: string
  /** data address of the other node of its pair */
  peer: string | null
  vip: string
  routerId: number
  priority: number
  /** the account of the inventory: root, or an ordinary one that may run a few commands with sudo */
  user: 'root' | 'ops'
  stubStatus: boolean
  init: 'script' | 'systemd'
}

export interface Topology {
  nodes: readonly LabNode[]
  backends: readonly { name: string; address: string }[]
  vips: { edge: string; core: string }
  client: string
  /** this machine's own leg in the management network */
  host: string
}

export const backendNames = ['b1', 'b2', 'b3', 'b4', 'b5', 'b6'] as const
export type BackendName = (typeof backendNames)[number]
export const backendPorts = { http: 8000, tcp: 8001, agent: 8002 } as const

export function topologyOf({ managementNet, dataNet }: Instance, options: { systemd: boolean }): Topology {
  const vips = { edge: `${dataNet}.10`, core: `${dataNet}.20` }
  const member = (
    id: string,
    host: number,
    peer: number,
    pair: 'edge' | 'core',
    rest: Pick<LabNode, 'priority' | 'user'>,
  ): LabNode => ({
    id,
    pair,
    site: pair === 'edge' ? 'tyo' : 'osa',
    management: `${managementNet}.${host}`,
    data: `${dataNet}.${host}`,
    peer: `${dataNet}.${peer}`,
    vip: vips[pair],
    routerId: pair === 'edge' ? 51 : 52,
    stubStatus: pair === 'edge',
    init: 'script',
    ...rest,
  })
  const single: LabNode = {
    id: 'sd',
    pair: null,
    site: 'tyo',
    management: `${managementNet}.15`,
    data: `${dataNet}.15`,
    peer: null,
    vip: `${dataNet}.30`,
    routerId: 53,
    priority: 100,
    user: 'root',
    stubStatus: true,
    init: 'systemd',
  }
  return {
    nodes: [
      member('lb1', 11, 12, 'edge', { priority: 150, user: 'root' }),
      member('lb2', 12, 11, 'edge', { priority: 100, user: 'root' }),
      member('lb3', 13, 14, 'core', { priority: 150, user: 'root' }),
      member('lb4', 14, 13, 'core', { priority: 100, user: 'ops' }),
      ...(options.systemd ? [single] : []),
    ],
    backends: backendNames.map((name, index) => ({ name, address: `${dataNet}.${31 + index}` })),
    vips,
    client: `${dataNet}.100`,
    host: `${managementNet}.254`,
  }
}
