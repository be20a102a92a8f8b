/**
 * What our linter calls an error, and what the daemons themselves refuse. Where they disagree it is on purpose and says why:
 * some errors pass every check of the daemon and hurt later, and our parsers do not know every keyword.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ServiceKind } from '#contract'
import { lintFiles } from '../../src-main/domain/lint/lint-files.ts'
import { describeLab } from './describe-lab.ts'
import { openNodeRoom, type NodeRoom } from './node-room.ts'

interface Case {
  name: string
  text: string
  /** both accept, both refuse, only the daemon refuses, only we do */
  verdict: 'accepted' | 'refused' | 'only the daemon refuses' | 'only we refuse'
  why?: string
}

const timeouts = 'defaults\n  mode http\n  timeout client 30s\n  timeout server 30s\n  timeout connect 5s\n'
const front = 'frontend f\n  bind 127.0.0.1:18080\n  default_backend b\n'
const two = 'backend b\n  server a 127.0.0.1:1 check\n  server c 127.0.0.1:2 check\n'
const nginx = (inside: string): string =>
  `pid /tmp/agree.pid;\nerror_log /tmp/agree.log;\nevents {}\nhttp {\naccess_log off;\nserver { listen 127.0.0.1:18081; }\n${inside}}\n`
const vrrp = (inside: string, name = 'V'): string =>
  `vrrp_instance ${name} {\n interface eth0\n virtual_router_id 51\n virtual_ipaddress {\n 198.18.9.9\n }\n${inside}}\n`

const cases: Record<ServiceKind, Case[]> = {
  haproxy: [
    { name: 'a sound file', text: `${timeouts}${front}${two}`, verdict: 'accepted' },
    {
      name: 'quotes, escapes and comments',
      text: `${timeouts}${front}${two}  server 'd' 127.0.0.1:3 check # x "y\n`,
      verdict: 'accepted',
    },
    { name: 'CRLF', text: `${timeouts}${front}${two}`.replaceAll('\n', '\r\n'), verdict: 'accepted' },
    {
      name: 'named defaults',
      text: `defaults x\n  timeout client 1s\n${timeouts}frontend f from x\n  bind 127.0.0.1:18080\n  default_backend b\n${two}`,
      verdict: 'accepted',
    },
    { name: 'no line feed at the end', text: `${timeouts}${front}${two}`.slice(0, -1), verdict: 'refused' },
    { name: 'an open quote', text: `${timeouts}${front}${two}  server "d 127.0.0.1:3\n`, verdict: 'refused' },
    { name: 'a bad escape', text: `${timeouts}${front}${two}  server d\\x4 127.0.0.1:3\n`, verdict: 'refused' },
    { name: 'a misspelt server option', text: `${timeouts}${front}${two}  server d 127.0.0.1:3 chekc\n`, verdict: 'refused' },
    { name: 'a server twice', text: `${timeouts}${front}${two}  server a 127.0.0.1:3\n`, verdict: 'refused' },
    { name: 'a backend twice', text: `${timeouts}${front}${two}${two}`, verdict: 'refused' },
    {
      name: 'a route to nowhere',
      text: `${timeouts}frontend f\n  bind 127.0.0.1:18080\n  default_backend x\n`,
      verdict: 'refused',
    },
    { name: 'a line before the first section', text: `  maxconn 5\n${timeouts}${front}${two}`, verdict: 'refused' },
    {
      name: 'a misspelt keyword',
      text: `${timeouts}${front}${two}  balnce roundrobin\n`,
      verdict: 'only the daemon refuses',
      why: 'the keywords of a proxy are not listed, so that a newer HAProxy is not called wrong',
    },
    {
      name: 'an address that does not resolve',
      text: `${timeouts}${front}${two}  server d 127.0.0.999:3\n`,
      verdict: 'only the daemon refuses',
      why: 'only the node can resolve names',
    },
    {
      name: 'two binds of one port',
      text: `${timeouts}${front}frontend g\n  bind 127.0.0.1:18080\n  default_backend b\n${two}`,
      verdict: 'only we refuse',
      why: 'it passes -c, both listen, and the kernel splits the traffic',
    },
    {
      name: 'an admin socket on TCP',
      text: `global\n  stats socket ipv4@127.0.0.1:18099 level admin\n${timeouts}${front}${two}`,
      verdict: 'only we refuse',
      why: 'HAProxy does what it is told',
    },
  ],
  nginx: [
    {
      name: 'a sound file',
      text: nginx('upstream a { server 127.0.0.1:1; server 127.0.0.1:2 backup; }\n'),
      verdict: 'accepted',
    },
    {
      name: 'quotes and variables',
      text: nginx('server { listen 127.0.0.1:18082; return 200 "a;{}${uri}\\"b"; }\n'),
      verdict: 'accepted',
    },
    { name: 'a missing brace', text: nginx('upstream a { server 127.0.0.1:1;\n'), verdict: 'refused' },
    { name: 'an extra brace', text: `${nginx('')}}\n`, verdict: 'refused' },
    { name: 'a missing semicolon', text: nginx('upstream a { server 127.0.0.1:1 }\n'), verdict: 'refused' },
    { name: 'an open quote', text: nginx('server { return 200 "a; }\n'), verdict: 'refused' },
    { name: 'an empty upstream', text: nginx('upstream a { }\n'), verdict: 'refused' },
    {
      name: 'an upstream twice',
      text: nginx('upstream a { server 127.0.0.1:1; }\nupstream a { server 127.0.0.1:2; }\n'),
      verdict: 'refused',
    },
    {
      name: 'a backup below ip_hash',
      text: nginx('upstream a { ip_hash;\n server 127.0.0.1:1;\n server 127.0.0.1:2 backup; }\n'),
      verdict: 'refused',
    },
    {
      name: 'an unknown directive',
      text: nginx('upstrem a { server 127.0.0.1:1; }\n'),
      verdict: 'only the daemon refuses',
      why: 'the directives of modules are not listed',
    },
    {
      name: 'drain',
      text: nginx('upstream a { server 127.0.0.1:1 drain; server 127.0.0.1:2; }\n'),
      verdict: 'only the daemon refuses',
      why: 'newer versions take it; a warning says so',
    },
    {
      name: 'a method below keepalive',
      text: nginx('upstream a { server 127.0.0.1:1; server 127.0.0.1:2;\n keepalive 4;\n least_conn; }\n'),
      verdict: 'only we refuse',
      why: 'nginx warns and does without the kept connections',
    },
  ],
  keepalived: [
    { name: 'a sound file', text: vrrp(' priority 150\n'), verdict: 'accepted' },
    {
      name: 'braces anywhere',
      text: 'vrrp_instance "V 1"\n{ interface eth0\n virtual_router_id 51\n virtual_ipaddress { 198.18.9.9 }\n}\n',
      verdict: 'accepted',
    },
    { name: 'an impossible id', text: vrrp('').replace(' 51', ' 256'), verdict: 'refused' },
    { name: 'no id', text: vrrp('').replace(' virtual_router_id 51\n', ''), verdict: 'refused' },
    { name: 'an id twice on a segment', text: `${vrrp('', 'A')}${vrrp('', 'B')}`, verdict: 'refused' },
    { name: 'an extra brace', text: `${vrrp('')}}\n`, verdict: 'refused' },
    { name: 'a missing brace', text: vrrp('').slice(0, -2), verdict: 'refused' },
    { name: 'an open quote', text: vrrp(' notify "/bin/true x\n'), verdict: 'refused' },
    { name: 'a script that nobody defined', text: vrrp(' track_script {\n s\n }\n'), verdict: 'refused' },
    { name: 'nopreempt of a MASTER', text: vrrp(' state MASTER\n nopreempt\n'), verdict: 'refused' },
    {
      name: 'an interface that does not exist',
      text: vrrp('').replace('eth0', 'eth9'),
      verdict: 'only the daemon refuses',
      why: 'only the node knows its interfaces',
    },
    {
      name: 'an unknown keyword',
      text: vrrp(' prioritx 5\n'),
      verdict: 'only the daemon refuses',
      why: 'the keywords are not listed',
    },
    {
      name: 'a weight that nopreempt makes void',
      text: `global_defs {\n script_user root\n enable_script_security\n}\nvrrp_script s {\n script "/bin/true"\n weight -60\n}\n${vrrp(' state BACKUP\n nopreempt\n track_script {\n s\n }\n')}`,
      verdict: 'only we refuse',
      why: 'keepalived accepts it, and the address never moves',
    },
  ],
}

describeLab('our errors and those of the daemons', () => {
  let room: NodeRoom
  beforeAll(async () => {
    room = await openNodeRoom(['/etc/keepalived'], { network: 'private' })
    await room.run(
      'ip link set lo up; ip link add eth0 type veth peer name eth1; ip link set eth0 up; ip addr add 198.18.9.1/24 dev eth0',
    )
  })
  afterAll(() => room.close())

  const check: Record<ServiceKind, string> = {
    haproxy: 'haproxy -c -f /tmp/agree.conf',
    nginx: 'nginx -t -c /tmp/agree.conf',
    keepalived: 'keepalived -t -f /tmp/agree.conf',
  }
  const daemonAccepts = async (kind: ServiceKind, text: string): Promise<boolean> => {
    const script = `printf %s "$1" >/tmp/agree.conf; ${check[kind]} >/tmp/agree.out 2>&1; echo $?`
    const { stdout } = await room.session.exec(['sh', '-c', script, 'sh', text], {
      signal: AbortSignal.timeout(20_000),
      timeoutMs: 20_000,
      maxBytes: 64 * 1024,
    })
    return stdout.toString().trim() === '0'
  }

  for (const kind of ['haproxy', 'nginx', 'keepalived'] as const) {
    describe(kind, () => {
      it.each(cases[kind])('$name: $verdict', async ({ text, verdict, why }) => {
        const errors = lintFiles([{ path: 'x', kind, text }]).filter(({ severity }) => severity === 'error')
        const daemon = await daemonAccepts(kind, text)
        const said =
          daemon && errors.length === 0
            ? 'accepted'
            : !daemon && errors.length > 0
              ? 'refused'
              : daemon
                ? 'only we refuse'
                : 'only the daemon refuses'
        expect(said).toBe(verdict)
        expect(verdict.startsWith('only')).toBe(why !== undefined)
      })
    })
  }
})
