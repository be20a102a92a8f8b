import { describe, expect, it } from 'vitest'
import {
  readinessChecks,
  type DrillPrediction,
  type NodeId,
  type RouterId,
  type RouterMember,
  type RouterView,
} from '#contract'
import { judgeReadiness, type MemberEvidence, type ReadinessInput } from '../../../../src-main/domain/drill/readiness.ts'
import { needsOf } from '../../../../src-main/domain/drill/standby-needs.ts'

const at = Date.parse('2026-06-01T00:00:00Z')
const day = 24 * 3_600_000
const lb1 = 'lb1' as NodeId
const lb2 = 'lb2' as NodeId
const id = 'edge/VI_1' as RouterId

const haproxy = `frontend fe
    bind :443 ssl crt /etc/site.pem
    default_backend be
backend be
    server a 198.18.0.31:8000 check
    server b 198.18.0.32:8000 check
`
const keepalived = (priority: number) => `vrrp_instance VI_1 {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority ${priority}
    virtual_ipaddress {
        198.18.0.10/24
    }
}
`

function evidence(nodeId: NodeId, priority: number, texts: { haproxy?: string; keepalived?: string } = {}): MemberEvidence {
  const text = texts.haproxy ?? haproxy
  const file = (path: string, of: string) => ({ path, text: of, loaded: 'loaded' as const, error: null })
  const path = '/etc/haproxy/haproxy.cfg'
  return {
    nodeId,
    asRoot: true,
    services: [
      { kind: 'haproxy', version: '2.6.12', stopped: null, problems: [], files: [file(path, text)] },
      {
        ...{ kind: 'keepalived', version: '2.2.7', stopped: null, problems: [] },
        files: [file('/etc/keepalived/keepalived.conf', texts.keepalived ?? keepalived(priority))],
      },
    ],
    needs: needsOf([{ kind: 'haproxy', path, text }]),
    network: {
      listeners: [{ address: '*', port: 443, owners: [{ name: 'haproxy', pid: 7 }] }],
      addresses: new Set(['198.18.0.11']),
      interfaces: new Set(['eth0']),
      nonlocalBind: false,
    },
    reached: [null, null],
    certificates: [
      { path: '/etc/site.pem', found: { subject: 'CN=site', sha256: 'aa', notBefore: at - day, notAfter: at + 90 * day } },
    ],
    log: [],
    clock: { offsetMs: 3, uncertaintyMs: 2 },
  }
}

const member = (nodeId: NodeId, over: Partial<RouterMember> = {}): RouterMember => ({
  nodeId,
  state: nodeId === lb1 ? 'MASTER' : 'BACKUP',
  wantState: null,
  configuredPriority: 100,
  effectivePriority: 100,
  kernelAddresses: nodeId === lb1 ? ['198.18.0.10'] : [],
  kernelReadAt: at,
  daemonReadAt: at,
  daemonRunning: true,
  interface: 'eth0',
  advertIntMs: 1000,
  nopreempt: false,
  lastTransition: null,
  tracked: [],
  counters: {},
  ...over,
})
const router: RouterView = {
  ...{ id, name: 'VI_1', vrid: 51, pair: null, addresses: ['198.18.0.10'], holders: [lb1], verdict: 'held', verdictSince: at },
  ...{ members: [member(lb1), member(lb2)], sightings: [], outsiders: [], moves: [] },
}
const moves: DrillPrediction = {
  ...{ router: id, node: lb1, fault: 'priority-drop', moves: true, to: lb2, takeover: null, outage: null, failback: null },
  ...{ phases: [], formula: '', notes: [] },
}
const input = (over: Partial<ReadinessInput> = {}): ReadinessInput => ({
  ...{ router, fault: 'priority-drop', at, active: lb1, prediction: moves, members: [evidence(lb1, 150), evidence(lb2, 100)] },
  ...over,
})
const standby = (change: Partial<MemberEvidence>, texts: Parameters<typeof evidence>[2] = {}): ReadinessInput =>
  input({ members: [evidence(lb1, 150), { ...evidence(lb2, 100, texts), ...change }] })
const routerWith = (over: Partial<RouterView>): ReadinessInput => input({ router: { ...router, ...over } })
const found = (given: ReadinessInput, blocking: boolean): string[] => [
  ...new Set(judgeReadiness(given).findings.flatMap((each) => (each.blocking === blocking ? [each.rule] : []))),
]
const certificate = (over: object) => ({
  certificates: evidence(lb2, 100).certificates.map(({ path, found: own }) => ({ path, found: own && { ...own, ...over } })),
})
const network = (over: Partial<MemberEvidence['network']>) => ({ network: { ...evidence(lb2, 100).network, ...over } })
const service = (over: Partial<MemberEvidence['services'][number]>) => ({
  services: evidence(lb2, 100).services.map((each) => (each.kind === 'haproxy' ? { ...each, ...over } : each)),
})

it('lets a fit pair pass, with every check named', () => {
  const judged = judgeReadiness(input())
  expect(judged).toMatchObject({ ready: true, findings: [], active: 'lb1', standbys: ['lb2'] })
  expect(judged.checks).toEqual(readinessChecks.map((check) => ({ check, state: 'passed' })))
})

describe('blocks', () => {
  const cases: Record<string, [ReadinessInput, string[]]> = {
    'an address that is not held': [routerWith({ verdict: 'split-brain', holders: [lb1, lb2] }), ['members.not-held']],
    'a router of one member': [
      input({ router: { ...router, members: [member(lb1)] }, members: [evidence(lb1, 150)] }),
      ['members.no-standby'],
    ],
    'a member that cannot be read': [
      input({ members: [evidence(lb1, 150), { nodeId: lb2, unread: 'No route to host' }], prediction: null }),
      ['members.unread'],
    ],
    'a stopped keepalived': [
      routerWith({ members: [member(lb1), member(lb2, { daemonRunning: false })] }),
      ['members.keepalived-stopped'],
    ],
    'an instance in FAULT': [routerWith({ members: [member(lb1), member(lb2, { state: 'FAULT' })] }), ['members.fault']],
    'a tracked script that fails': [
      routerWith({
        members: [member(lb1), member(lb2, { tracked: [{ kind: 'script', name: 'chk', weight: -60, status: 'BAD' }] })],
      }),
      ['members.track-failing'],
    ],
    'a balancer that does not serve': [standby(service({ stopped: 'it does not run' })), ['members.balancer-stopped']],
    'a balancer that is not installed': [
      standby({ services: evidence(lb2, 100).services.slice(1) }),
      ['members.balancer-stopped', 'configuration.differs'],
    ],
    'a fault that moves nothing': [
      input({ prediction: { ...moves, moves: false, formula: 'nopreempt' } }),
      ['vrrp.moves-nothing'],
    ],
    'a prediction that cannot be made': [input({ prediction: null }), ['vrrp.unknown']],
    'members that differ in VRRP': [
      standby({}, { keepalived: keepalived(100).replace('198.18.0.10', '198.18.0.20') }),
      ['vrrp.members-differ'],
    ],
    'a server that is missing': [standby({}, { haproxy: haproxy.replace(/.*server b.*\n/, '') }), ['configuration.differs']],
    'a file that the daemon refuses': [
      standby(service({ problems: [{ severity: 'error', message: 'unknown keyword', path: '/x', line: 3 }] })),
      ['configuration.refused'],
    ],
    'a file that cannot be read': [
      standby({
        ...service({
          files: [{ path: '/etc/haproxy/haproxy.cfg', text: null, loaded: 'unknown', error: 'Permission denied' }],
        }),
      }),
      ['configuration.unread', 'configuration.differs'],
    ],
    'files that were not loaded, on the active as well': [
      input({
        members: [
          {
            ...evidence(lb1, 150),
            services: evidence(lb1, 150).services.map((each) => ({
              ...each,
              files: each.files.map((file) => ({ ...file, loaded: 'not-loaded' as const })),
            })),
          },
          evidence(lb2, 100),
        ],
      }),
      ['loaded.stale'],
    ],
    'an expired certificate': [standby(certificate({ notAfter: at })), ['certificates.expired']],
    'a certificate of the future': [standby(certificate({ notBefore: at + day })), ['certificates.not-yet']],
    'another certificate': [standby(certificate({ sha256: 'bb' })), ['certificates.differ']],
    'no certificate': [standby({ certificates: [{ path: '/etc/site.pem', found: null }] }), ['certificates.missing']],
    'a server that only the active reaches': [standby({ reached: [null, 'No route to host'] }), ['backends.unreachable']],
    'a port that somebody else has': [
      standby(network({ listeners: [{ address: '*', port: 443, owners: [{ name: 'apache2', pid: 9 }] }] })),
      ['listeners.taken'],
    ],
    'a listener that is not there': [standby(network({ listeners: [] })), ['listeners.missing']],
    'an address that may not be bound': [
      standby({
        needs: {
          ...evidence(lb2, 100).needs,
          listens: evidence(lb2, 100).needs.listens.map((each) => ({ ...each, address: '198.18.0.10' })),
        },
      }),
      ['listeners.no-address'],
    ],
    'clocks that are minutes apart': [standby({ clock: { offsetMs: 120_000, uncertaintyMs: 5 } }), ['clocks.apart']],
  }
  it.each(Object.keys(cases))('%s', (name) => {
    const [given, rules] = cases[name] ?? expect.fail()
    expect(found(given, true)).toEqual(rules)
    expect(judgeReadiness(given).ready).toBe(false)
  })
})

describe('says without blocking', () => {
  const cases: Record<string, [ReadinessInput, string[]]> = {
    'what the arithmetic warns of': [input({ prediction: { ...moves, notes: ['Both become masters.'] } }), ['vrrp.note']],
    'equal priorities': [input({ members: [evidence(lb1, 100), evidence(lb2, 100)] }), ['vrrp.equal-priority']],
    'a setting that differs': [standby({}, { haproxy: `${haproxy}    timeout server 3s\n` }), ['configuration.differs']],
    'a certificate that expires soon': [standby(certificate({ notAfter: at + 3 * day })), ['certificates.expire-soon']],
    'a certificate that only root may read': [
      standby({ asRoot: false, certificates: [{ path: '/etc/site.pem', found: null }] }),
      ['certificates.unread'],
    ],
    'a server that nobody reaches': [
      input({
        members: [
          { ...evidence(lb1, 150), reached: [null, 'refused'] },
          { ...evidence(lb2, 100), reached: [null, 'refused'] },
        ],
      }),
      ['backends.down'],
    ],
    'a node with nothing to connect with': [standby({ reached: 'unable' }), ['backends.untried']],
    'another version': [standby(service({ version: '2.8.0' })), ['versions.differ']],
    'clocks that are seconds apart': [standby({ clock: { offsetMs: -4000, uncertaintyMs: 5 } }), ['clocks.apart']],
    'errors in the log': [standby({ log: ['[emerg] one'] }), ['log.errors']],
  }
  it.each(Object.keys(cases))('%s', (name) => {
    const [given, rules] = cases[name] ?? expect.fail()
    expect(found(given, false)).toEqual(rules)
    expect(judgeReadiness(given).ready).toBe(true)
  })
})

it('takes a socket whose owner may not be seen for the daemon’s own', () => {
  expect(found(standby(network({ listeners: [{ address: '*', port: 443, owners: [] }] })), true)).toEqual([])
})

it('does not ask a loss of backends to move the address', () => {
  expect(found(input({ fault: 'backend-loss', prediction: { ...moves, moves: false } }), true)).toEqual([])
})

it('says what is the same on both members once, with both places', () => {
  const checked = (priority: number) =>
    `vrrp_script chk {\n script "/usr/bin/pgrep haproxy"\n}\n${keepalived(priority).replace('priority', 'track_script {\n chk\n }\n    priority')}`
  const members = [evidence(lb1, 150, { keepalived: checked(150) }), evidence(lb2, 100, { keepalived: checked(100) })]
  expect(judgeReadiness(input({ members })).findings).toMatchObject([
    {
      rule: 'vrrp.check-process-only',
      evidence: 'lb1:/etc/keepalived/keepalived.conf:1, lb2:/etc/keepalived/keepalived.conf:1',
    },
  ])
})
