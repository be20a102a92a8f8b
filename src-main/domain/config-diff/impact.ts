import type { ConfigChange, ServiceKind } from '#contract'

export type ChangeKind = ConfigChange['what']

/** A change before it is judged. */
export interface PlainChange extends Pick<ConfigChange, 'what' | 'subject' | 'before' | 'after' | 'at'> {
  /** of a setting: which */
  readonly keyword?: string
  /** of a server: its pool's */
  readonly algorithm?: string
}

/** Weights of these can be set while HAProxy runs; the others know 0 and 100 % only (management manual 2.6, `set weight`). */
const dynamicAlgorithms = /^(roundrobin|leastconn|random|first)\b/
const runtime: ReadonlySet<ChangeKind> = new Set(['server.weight', 'server.disabled'])

/** A member discards the adverts of one that differs in these, and both become master. */
const sharedByMembers: ReadonlySet<ChangeKind> = new Set(['router.vrid', 'router.advert', 'router.addresses', 'router.auth'])
const sharedKeywords = new Set(['version', 'vrrp_version', 'virtual_ipaddress', 'auth_type', 'auth_pass'])

/** Read once, when the process starts; a reload passes over them. */
const restartKeywords: Record<ServiceKind, ReadonlySet<string>> = {
  haproxy: new Set(['daemon', 'master-worker', 'nbproc']),
  nginx: new Set(['daemon', 'master_process', 'pid', 'lock_file']),
  keepalived: new Set(['net_namespace', 'namespace_with_ipsets', 'instance', 'use_pid_dir']),
}

/** What each member of a pair says of itself. */
const ownKeywords = new Set(['state', 'router_id', 'unicast_src_ip', 'mcast_src_ip', 'localpeer', 'node'])

export function withImpact(kind: ServiceKind, change: PlainChange): ConfigChange {
  const { what, subject, before, after, at, keyword = '' } = change
  return {
    kind,
    what,
    subject,
    before,
    after,
    at,
    impact: impactOf(kind, change),
    perNode: isPerNode(kind, what, subject, keyword),
  }
}

function impactOf(kind: ServiceKind, { what, subject, keyword = '', algorithm = '' }: PlainChange): ConfigChange['impact'] {
  if (kind === 'haproxy' && runtime.has(what) && (what !== 'server.weight' || dynamicAlgorithms.test(algorithm)))
    return 'runtime'
  if (kind === 'keepalived') {
    if (sharedByMembers.has(what) || sharedKeywords.has(keyword) || subject.endsWith('› virtual_ipaddress'))
      return 'both-members'
  }
  return restartKeywords[kind].has(keyword) ? 'restart' : 'reload'
}

function isPerNode(kind: ServiceKind, what: ChangeKind, subject: string, keyword: string): boolean {
  if (what === 'router.priority' || ownKeywords.has(keyword)) return true
  return kind === 'keepalived' && (keyword === 'unicast_peer' || subject.endsWith('› unicast_peer'))
}
