/** Lines for both HAProxies, the real one and the practice one, in this order; what the replies may differ in is taken out. */

export const transcriptConfig = `global
    node transcript
    maxconn 500
    stats socket /run/admin.sock mode 600 level admin
    stats socket /run/operator.sock mode 600 level operator
    stats socket /run/user.sock mode 600 level user
    stats timeout 30s
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
frontend fe_http
    bind *:18081
    use_backend be_shop if { path_beg /shop }
    default_backend be_app
frontend fe_tcp
    mode tcp
    bind *:18082
    default_backend be_tcp
frontend origin
    bind *:18083
    http-request return status 200
backend be_app
    option httpchk GET /health
    default-server inter 100ms fall 3 rise 2
    server w1 127.0.0.1:18083 check weight 10
    server w2 127.0.0.1:18083 check weight 10 maxconn 200
    server w3 127.0.0.1:18083 check backup
    server w4 127.0.0.1:1 check disabled
backend be_shop
    cookie SRV insert indirect nocache
    stick-table type ip size 10k expire 30m
    stick on src
    server s1 127.0.0.1:18083 cookie s1
    server s2 127.0.0.1:18083 cookie s2
backend be_src
    balance source
    server s1 127.0.0.1:18083 weight 5
backend be_tcp
    mode tcp
    balance leastconn
    default-server inter 100ms fall 3 rise 2
    server t1 127.0.0.1:18083 check
    server t2 127.0.0.1:1 check
`

const levels = [
  'show version', 'show cli level', 'show cli sockets', 'show backend', 'show stat', 'show stat -1 6 -1', 'show servers state',
  'show servers conn be_shop', 'show sess', 'show table', 'show table be_shop', 'get weight be_app/w1', 'get weight nope',
  'set server be_app/w1 state foo', 'set weight be_app/w1 3', 'disable server nope', 'enable health x', 'shutdown session 0x1',
  'shutdown sessions server x', 'add server x', 'del server x', 'set maxconn global 3', 'disable frontend nope',
  'operator;show cli level', 'user;set weight be_app/w1 3', 'help',
] // prettier-ignore

const admin = [
  'show info', 'show version foo', '  show version  ', 'show version;show cli level', 'show version;;show cli level', 'SHOW INFO', '',
  'show', 'set', 'get', 'add', 'del', 'disable', 'enable', 'shutdown', 'clear', 'show cli', 'set maxconn', 'help set', 'help set server',
  'set servers', 'weight', 'get wt', 'shw stat', 'shutdown sessions', 'show servers', 'quit',
  'show stat nope 4 -1', 'show stat be_app 4 -1', 'show stat be_app 4 2', 'show stat 5 4 -1', 'show stat up', 'show stat no-maint',
  'show stat bogus', 'show servers state be_app', 'show servers state nope', 'show servers conn', 'show servers conn nope',
  'show table nope', 'show table be_app', 'show table be_shop key 1.2.3.4', 'show table be_shop data.foo', 'show errors', 'show sess 0x1',
  'get weight', 'get weight be_app', 'get weight nope/w1', 'get weight be_app/nope',
  'set server', 'set server be_app', 'set server nope/w1 state drain', 'set server be_app/nope state drain', 'set server be_app/w1',
  'set server be_app/w1 foo', 'set server be_app/w1 state', 'set server be_app/w1 state sideways', 'set server be_app/w1 health',
  'set server be_app/w1 health zz', 'set server be_app/w1 health up', 'set server be_app/w1 agent up', 'set server be_app/w1 agent-addr x',
  'set server be_app/w1 addr', 'set server be_app/w1 addr 127.0.0.1', 'set server be_app/w1 addr 127.0.0.1 port 18083',
  'set server be_app/w1 addr nope.invalid', 'set server be_app/w1 addr 127.0.0.1 port x', 'set server be_app/w1 fqdn a.b',
  'set server be_app/w1 ssl on', 'set server be_app/w1 weight', 'set server be_app/w1 weight x', 'set server be_app/w1 weight -1',
  'set server be_app/w1 weight 1x', 'set server be_app/w1 weight 257', 'set server be_app/w1 weight 50%', 'get weight be_app/w1',
  'set server be_app/w1 weight 100%', 'set weight', 'set weight be_app/w1', 'set weight be_app/w1 256', 'set weight be_app/w1 100%',
  'set weight be_src/s1 3', 'set weight be_src/s1 0', 'set weight be_src/s1 100%',
  'set server be_app/w2 state drain', 'show servers state be_app', 'show stat be_app 6 -1', 'set server be_app/w2 state maint',
  'show servers state be_app', 'show stat be_app 6 -1',
  'set server be_shop/s1 state drain', 'show stat be_shop 6 -1', 'show servers state be_shop', 'set server be_shop/s1 state ready',
  'disable server be_src/s1', 'show stat be_src 6 -1', 'enable server be_src/s1', 'show stat be_src 6 -1',
  'disable server', 'disable server nope', 'enable server be_app/nope', 'disable health be_app/w3', 'show servers state be_app',
  'show stat be_app 4 3', 'enable health be_app/w3', 'enable health be_shop/s1', 'disable health be_shop/s1', 'disable agent be_app/w1',
  'enable agent be_app/w1', 'disable frontend', 'disable frontend nope', 'enable frontend fe_tcp', 'disable frontend fe_tcp',
  'disable frontend fe_tcp', 'enable frontend fe_tcp', 'shutdown session', 'shutdown session 0x1', 'shutdown session zz',
  'shutdown sessions server', 'shutdown sessions server be_app', 'shutdown sessions server be_app/w1',
  'shutdown sessions server be_app/nope', 'shutdown sessions server nope/w1',
  'set maxconn server be_app/w1', 'set maxconn server be_app/w1 x', 'set maxconn server be_app/w1 20', 'set maxconn server be_app/w1 0',
  'set maxconn frontend fe_http', 'set maxconn frontend nope 10', 'set maxconn frontend fe_http 10', 'set maxconn frontend fe_http 500',
  'set maxconn global', 'set maxconn global 100', 'set maxconn global 100000', 'set maxconn global 0', 'set timeout', 'set timeout cli',
  'set timeout cli 5', 'set timeout cli x', 'set timeout foo 3',
  'add server', 'add server be_app', 'add server be_app/n1', 'add server nope/n1 127.0.0.1:99', 'add server be_src/n1 127.0.0.1:99',
  'add server be_app/n1 127.0.0.1:99 check inter 1s weight 5 maxconn 10', 'add server be_app/n1 127.0.0.1:99', 'show servers state be_app',
  'show stat be_app 4 -1', 'add server be_app/n2 127.0.0.1:99 cookie x', 'add server be_app/n2 127.0.0.1:99 weight 500',
  'add server be_app/n2 127.0.0.1:99999', 'add server be_app/n!2 127.0.0.1:99', 'add server be_app/n2 127.0.0.1:99 on-error foo',
  'enable server be_app/n1', 'del server be_app/n1', 'disable server be_app/n1', 'del server be_app/n1', 'del server', 'del server be_app',
  'del server nope/x', 'del server be_app/nope', 'del server be_shop/s1', 'clear table', 'clear table nope', 'clear table be_shop',
  'clear table be_shop key', 'clear table be_shop key 1.2.3.4', 'clear table be_shop foo',
] // prettier-ignore

const master = [
  'show proc', 'show version', 'show cli level', 'show stat', '@1 show version', '@1 show cli level', '@1 show cli level;show cli level',
  '@1 show bogus', '@0 show version', '@2 show version', '@master show version', '@!99999 show info', '@foo show version',
  '@1 @1 show version', '@1 show version;@master show version', '@1 quit', 'quit', 'user;show proc', 'operator;@1 show cli level',
  '@1 set server be_app/nope state drain', 'help',
] // prettier-ignore

export type SocketName = 'admin' | 'operator' | 'user' | 'master'

export const transcript: readonly (readonly [SocketName, string])[] = [
  ...(['admin', 'operator', 'user'] as const).flatMap((socket) => levels.map((line) => [socket, line] as const)),
  ...admin.map((line) => ['admin', line] as const),
  ...master.map((line) => ['master', line] as const),
]

/** What of a reply both must have in common: everything but process ids, times, addresses in memory and counters. */
export function commonPart(reply: string): string {
  return reply
    .split('\n')
    .map((line) => {
      if (line.startsWith('0x'))
        return line
          .replace(/^0x\w+/, '0x')
          .replace(/(age|calls|rate|cpu|lat|exp|epoch|src)=\S*/g, '$1=')
          .replace(/ ([rs][qpcfb]+)\[.*\]/, '')
      if (/^[\w-]+,[\w-]+,/.test(line)) return statsPart(line)
      if (/^\d+ \w+ \d+ \w+ \S+ \d/.test(line)) return line.replace(/^((?:\S+ ){9})\d+/, '$1T')
      if (/^\w+\/\w+ \d+\/\d+ /.test(line)) return line.replace(/(- 5000) .*/, '$1')
      if (/^[A-Z]\w*(?:[-_ ]\w+)*: /.test(line) || /^(node|Build info): /.test(line)) return line.replace(/: .*/, ':')
      if (/^\d+ +(master|worker) /.test(line)) return line.replace(/^\d+ */, 'PID ').replace(/\d+d\d+h\d+m\d+s/, 'UPTIME')
      return line.replace(/captured on \[[^\]]*\]/, 'captured on []')
    })
    .join('\n')
}

/** columns that must be equal: names, states, weights, limits, places; of the others only whether they are empty */
const equalColumns = new Set([0, 1, 6, 17, 18, 19, 20, 26, 27, 28, 29, 31, 32, 36, 37, 56, 65, 67, 68, 69, 73, 74, 75, 76, 100])

const statsPart = (line: string): string =>
  line
    .split(',')
    .map((cell, column) => (equalColumns.has(column) ? cell : cell === '' ? '' : '#'))
    .join(',')
