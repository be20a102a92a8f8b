import type { FaultKind } from '#contract'

/** One way in which the standby (`lb2`), or the pair, is not fit for a failover. */
export interface BrokenStandby {
  name: string
  /** the rules that block, no more and no fewer */
  rules: readonly string[]
  fault?: FaultKind
  /** a file that is edited with sed; on both members when it is keepalived's and is to be reloaded */
  edit?: { path: string; sed: string }
  reload?: 'haproxy' | 'keepalived'
  /** run on `on`, default `lb2` */
  script?: { on?: 'client'; do: string; undo: string }
  service?: 'haproxy' | 'nginx' | 'keepalived' | 'sshd'
  /** only where there is time for the whole table */
  long?: true
}

const haproxy = '/etc/haproxy/haproxy.cfg'
const nginx = '/etc/nginx/nginx.conf'
const keepalived = '/etc/keepalived/keepalived.conf'
export const certificate = '/etc/haproxy/site.pem'

/** a certificate of its own, for so many days from now */
export const certificateFor = (days: number): string =>
  `cd /run && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout site.key -out site.csr -subj /CN=site.example 2>/dev/null
   openssl x509 -req -in site.csr -signkey site.key -days ${days} -out site.crt 2>/dev/null && cat site.crt site.key >${certificate}`
const otherCertificate = (make: string) => ({
  do: `cp -a ${certificate} /run/site.kept; ${make}`,
  undo: `cp -a /run/site.kept ${certificate}`,
})
const addBind = (bind: string) => ({ path: haproxy, sed: `s/bind \\*:5432/bind *:5432\\n    bind ${bind}/` })
const occupy = (port: number) => ({
  do: `setsid -f socat TCP-LISTEN:${port},fork,reuseaddr /dev/null >/dev/null 2>&1 </dev/null; echo >/dev/null`,
  undo: `kill $(pgrep -x socat) || true`,
})

/** `@VIP@` and `@B1@` stand for the pair's address and for a backend's. */
export const brokenStandbys: readonly BrokenStandby[] = [
  {
    name: 'a server that only the active reaches',
    rules: ['backends.unreachable'],
    script: { do: 'ip route add unreachable @B1@/32', undo: 'ip route del unreachable @B1@/32' },
  },
  { name: 'another certificate', rules: ['certificates.differ'], script: otherCertificate(certificateFor(90)) },
  { name: 'an expired certificate', rules: ['certificates.expired'], long: true, script: otherCertificate(certificateFor(-1)) },
  {
    name: 'no certificate',
    rules: ['certificates.missing', 'configuration.refused'],
    long: true,
    script: otherCertificate(`: >${certificate}`),
  },
  { name: 'a listener of which only the file knows', rules: ['listeners.missing', 'loaded.stale'], edit: addBind('*:5433') },
  {
    name: 'a port that somebody else has',
    rules: ['listeners.taken', 'loaded.stale'],
    long: true,
    edit: addBind('*:5434'),
    script: occupy(5434),
  },
  {
    name: 'a listener on the virtual address, which it may not bind',
    rules: ['listeners.no-address', 'loaded.stale'],
    edit: addBind('@VIP@:5435'),
  },
  {
    name: 'a server that its files have not',
    rules: ['configuration.differs'],
    edit: { path: haproxy, sed: '/server web3 /d' },
    reload: 'haproxy',
  },
  {
    name: 'a file that HAProxy refuses',
    rules: ['configuration.refused', 'loaded.stale'],
    edit: { path: haproxy, sed: '$a frobnicate' },
  },
  {
    name: 'a file that nginx refuses',
    rules: ['configuration.refused', 'loaded.stale'],
    long: true,
    edit: { path: nginx, sed: '$a frobnicate;' },
  },
  {
    name: 'HAProxy is stopped',
    rules: ['listeners.missing', 'members.balancer-stopped', 'members.track-failing'],
    long: true,
    service: 'haproxy',
  },
  { name: 'nginx is stopped', rules: ['listeners.missing', 'members.balancer-stopped'], service: 'nginx', long: true },
  { name: 'keepalived is stopped', rules: ['members.keepalived-stopped', 'vrrp.moves-nothing'], service: 'keepalived' },
  { name: 'a node that cannot be reached', rules: ['members.unread'], service: 'sshd', long: true },
  {
    name: 'an instance in FAULT',
    rules: ['members.fault', 'vrrp.moves-nothing'],
    script: { do: 'echo -254 >/run/vrrp-maintenance', undo: 'echo 0 >/run/vrrp-maintenance' },
  },
  {
    name: 'a stranger who has the address',
    rules: ['members.not-held'],
    script: { on: 'client', do: 'ip addr add @VIP@/32 dev eth0', undo: 'ip addr del @VIP@/32 dev eth0' },
  },
  {
    name: 'keepalived has not loaded its file',
    rules: ['loaded.stale'],
    edit: { path: keepalived, sed: 's/priority 100/priority 90/' },
  },
  {
    name: 'another password than the other member',
    rules: ['vrrp.members-differ'],
    edit: { path: keepalived, sed: 's/labpass1/labpass2/' },
  },
  {
    name: 'another virtual router id',
    rules: ['loaded.stale', 'vrrp.members-differ'],
    long: true,
    edit: { path: keepalived, sed: 's/virtual_router_id 51/virtual_router_id 151/' },
  },
  {
    name: 'a check of which nothing is known',
    rules: ['configuration.refused', 'vrrp.undefined-script'],
    edit: { path: keepalived, sed: 's/^vrrp_script chk_haproxy/vrrp_script chk_other/' },
  },
  {
    name: 'a brace that is missing',
    rules: ['configuration.refused', 'vrrp.syntax'],
    long: true,
    edit: { path: keepalived, sed: '$d' },
  },
  {
    name: 'nopreempt, which makes a lower priority void',
    rules: ['vrrp.moves-nothing'],
    edit: { path: keepalived, sed: 's/advert_int 1/advert_int 1\\n    nopreempt/' },
    reload: 'keepalived',
  },
  {
    name: 'a weight that does not make up the difference',
    rules: ['vrrp.moves-nothing'],
    fault: 'balancer-crash',
    edit: { path: keepalived, sed: 's/weight -60/weight -20/' },
    reload: 'keepalived',
    long: true,
  },
  {
    name: 'no check of the balancer',
    rules: ['vrrp.moves-nothing'],
    fault: 'balancer-crash',
    edit: { path: keepalived, sed: '/track_script {/,/}/d' },
    reload: 'keepalived',
    long: true,
  },
  { name: 'a check that does not see a balancer that hangs', rules: ['vrrp.moves-nothing'], fault: 'balancer-hang' },
]

/** Pairs that are fit, as they are or with a change on both members. */
export const healthyPairs: readonly { name: string; router: string; fault: FaultKind; sed?: string }[] = [
  { name: 'the edge pair, which terminates TLS', router: 'edge/VI_EDGE', fault: 'priority-drop' },
  {
    name: 'the core pair, one member of which has an account that may do little',
    router: 'core/VI_CORE',
    fault: 'keepalived-kill',
  },
  { name: 'one whose check notices a crash', router: 'edge/VI_EDGE', fault: 'balancer-crash' },
  {
    name: 'one that does not preempt, for a stop',
    router: 'edge/VI_EDGE',
    fault: 'keepalived-stop',
    sed: 's/advert_int 1/advert_int 1\\n    nopreempt/',
  },
  {
    name: 'one with five adverts a second',
    router: 'edge/VI_EDGE',
    fault: 'link-down',
    sed: '/authentication {/,/}/d; s/advert_int 1/advert_int 0.2\\n    version 3/',
  },
]
