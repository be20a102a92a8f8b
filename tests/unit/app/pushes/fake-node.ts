import type { NodeId } from '#contract'
import { AppError } from '../../../../src-main/app/app-error.ts'
import { sha256Of } from '../../../../src-main/app/config-versions.ts'
import type { ConfigAdmin, StandingGuard } from '../../../../src-main/app/ports/config-admin.ts'
import type { BoundService } from '../../../../src-main/app/ports/driver.ts'
import type { NodeSession } from '../../../../src-main/app/ports/node-session.ts'
import type { BalancerReading, ServiceReading, VrrpReading } from '../../../../src-main/domain/fleet/reading.ts'

export const path = '/etc/haproxy/haproxy.cfg'
export type Point = 'check' | 'arm' | 'replace' | 'reload' | 'observe' | 'confirm' | 'restore' | 'standing'

/** One node with one file, which is what its balancer says and does: `refuse`, `odd` (in its place), `no-start` and `broken` in it do what they say. */
export interface FakeNode {
  id: NodeId
  file: string
  loaded: string
  guard: StandingGuard | null
  /** what was done to it, in order */
  done: Point[]
  /** from this point on whoever asks waits for ever, as a process does that was killed */
  hangAt: Point | null
  /** nothing reaches it; what runs on it goes on */
  cut: boolean
  holdsVip: boolean
  session: NodeSession
  services: BoundService[]
}

export function fakeNode(name: string, options: { holdsVip?: boolean } = {}): FakeNode {
  const fail = (code: 'daemon.reload-rejected' | 'job.conflict' | 'config.changed-on-node', text: string): AppError =>
    new AppError(code, text, { effect: code === 'daemon.reload-rejected' ? 'unknown' : 'none' })
  let before = ''
  let number = 0
  const reach = (): void => {
    if (node.cut) throw new AppError('ssh.connection-lost', `The connection to ${name} is gone.`, { effect: 'unknown' })
  }
  const at = async (point: Point): Promise<void> => {
    reach()
    node.done.push(point)
    if (node.hangAt === point) await new Promise(() => undefined)
  }
  const admin: ConfigAdmin = {
    commandsFor: (changes) => changes.map((change) => `cp new${change.path} ${change.path}`),
    async check(_session, changes) {
      await at('check')
      const accepted = !changes.some(({ after }) => after?.includes('refuse'))
      const problem = { severity: 'error' as const, message: 'unknown keyword', path, line: 3 }
      return { accepted, how: 'bound', output: '', problems: accepted ? [] : [problem], judged: null }
    },
    async arm(_session, changes, { owner, reason, guardMs }) {
      await at('arm')
      if (node.guard !== null) throw fail('job.conflict', `${name} is being changed by ${node.guard.owner}.`)
      if (changes.some(({ expectSha256 }) => expectSha256 !== sha256Of(Buffer.from(node.file)))) {
        throw fail('config.changed-on-node', `${path} was changed.`)
      }
      before = node.file
      const ticket = { id: `${name}-${++number}`, dir: '/var/lib/evenkeel', expiresAfterMs: guardMs }
      node.guard = { ticket, owner, reason, since: 0, expiresAt: guardMs, state: 'armed', log: '' }
      return ticket
    },
    async replace(_session, changes) {
      await at('replace')
      node.file = changes[0]?.after?.toString() ?? ''
    },
    async reload(_session, _changes, _limits, { together } = {}) {
      if (node.file.includes('odd')) throw fail('daemon.reload-rejected', `haproxy on ${name} does not take it where it lies.`)
      await together?.()
      await at('reload')
      if (node.file.includes('no-start')) throw fail('daemon.reload-rejected', `haproxy on ${name} did not start: cannot bind.`)
      node.loaded = node.file
      return { mayMoveVip: false }
    },
    async confirm() {
      await at('confirm')
      node.guard = null
    },
    async restore() {
      await at('restore')
      node.file = node.loaded = before
      node.guard = null
    },
    async standing() {
      await at('standing')
      return node.guard === null ? [] : [node.guard]
    },
  }
  const balancer: Pick<BoundService, 'kind' | 'configAdmin' | 'serverAdmin' | 'observe' | 'readConfig'> = {
    kind: 'haproxy',
    configAdmin: admin,
    serverAdmin: null,
    async observe() {
      if (node.guard !== null) await at('observe')
      return balancerReading(node.loaded.includes('broken'))
    },
    async readConfig() {
      reach()
      return [
        {
          path,
          sha256: sha256Of(Buffer.from(node.file)),
          bytes: Buffer.from(node.file),
          modifiedAt: 0,
          owner: 'root:root',
          mode: '644',
          loaded: 'loaded',
          error: null,
        },
      ]
    },
  }
  const vrrp: BoundService = {
    kind: 'keepalived',
    configAdmin: null,
    serverAdmin: null,
    observe: async () => vrrpReading(node.holdsVip),
    readConfig: async () => [],
  }
  const file = 'backend be_web\n  server web1 198.18.0.21:80 check\n'
  const node: FakeNode = {
    id: name as NodeId,
    file,
    loaded: file,
    guard: null,
    done: [],
    hangAt: null,
    cut: false,
    holdsVip: options.holdsVip ?? false,
    // nothing here goes over a session
    session: { nodeId: name as NodeId } as NodeSession,
    services: [balancer, vrrp],
  }
  return node
}

function balancerReading(broken: boolean): ServiceReading {
  const server = { weight: 1, backup: false, sessions: 0, sessionLimit: null, queue: 0, rate: 0, errors: 0, responseMs: null }
  const rest = { totalSessions: 0, adminState: 0, agentCheck: false, check: null, sinceS: 0 }
  const servers = ['web1', 'web2'].map((name, index) => ({
    name,
    address: `198.18.0.2${index}:80`,
    state: broken && index === 0 ? ('down' as const) : ('up' as const),
    word: broken && index === 0 ? 'DOWN' : 'UP',
    ...server,
    ...rest,
  }))
  const pool = {
    name: 'be_web',
    mode: 'http' as const,
    algorithm: 'roundrobin',
    usable: 2,
    requests: 10,
    errors: 0,
    sessions: 0,
  }
  const reading: BalancerReading = {
    kind: 'haproxy',
    version: '2.6.12',
    pid: 1,
    uptimeS: 1,
    workers: [],
    pools: [{ ...pool, servers }],
    canSetState: true,
  }
  return reading
}

function vrrpReading(holds: boolean): VrrpReading {
  const instance = {
    name: 'VI',
    vrid: 1,
    addresses: ['198.18.0.10'],
    state: holds ? ('MASTER' as const) : ('BACKUP' as const),
    wantState: null,
    configuredPriority: 100,
    effectivePriority: 100,
    kernelAddresses: holds ? ['198.18.0.10'] : [],
    interface: 'eth0',
    advertIntMs: 1000,
    nopreempt: false,
    lastTransition: null,
    tracked: [],
    counters: {},
  }
  return {
    kind: 'keepalived',
    version: '2.2.7',
    pid: 1,
    uptimeS: 1,
    running: true,
    daemonAnswered: true,
    daemonAgeMs: 0,
    instances: [instance],
    segment: { macs: [], addresses: [], sightings: [] },
  }
}
