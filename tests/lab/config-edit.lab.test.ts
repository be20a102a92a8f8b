/** What our edits write, read by the daemons themselves: names and values that need quotes, CRLF, files that end without a line end. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { applyEdits, type ConfigIntent, type ServiceKind } from '#contract'
import { editConfig } from '../../src-main/domain/config-edit/edit-config.ts'
import { describeLab } from './describe-lab.ts'
import { openNodeRoom, type NodeRoom } from './node-room.ts'

const text: Record<ServiceKind, string> = {
  haproxy: `defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 5s
  default-server check inter 3s
frontend f
  bind 127.0.0.1:18080
  default_backend b
backend b
  cookie S insert
  server a 127.0.0.1:1 weight 5 # first
  server c 127.0.0.1:2 backup
`,
  nginx: `pid /tmp/edit.pid;
error_log /tmp/edit.log;
events {}
http {
  access_log off;
  upstream b { server 127.0.0.1:1; server 127.0.0.1:2
    # why
    down; }
  server { listen 127.0.0.1:18081; location / { proxy_pass http://b; } }
}
`,
  keepalived: `vrrp_instance V {
  interface eth0
  virtual_router_id 51
  virtual_ipaddress { 198.18.9.9 }
}
`,
}

const ofServer = (kind: 'haproxy' | 'nginx', server: string) => ({ kind, pool: 'b', server })
const set = (kind: 'haproxy' | 'nginx', server: string, option: string, value: string | boolean | null): ConfigIntent => ({
  ...{ what: 'server.set', ...ofServer(kind, server), option, value },
})
const ofRouter = { kind: 'keepalived', router: 'V' } as const
const setRouter = (keyword: 'state' | 'priority' | 'advert_int' | 'nopreempt', value: string | boolean): ConfigIntent => ({
  ...{ what: 'router.set', ...ofRouter, keyword, value },
})

const steps: Record<ServiceKind, ConfigIntent[]> = {
  haproxy: [
    set('haproxy', 'a', 'cookie', 'it is "a" # \\ \'b\' $HOME'),
    set('haproxy', 'a', 'weight', '7'),
    set('haproxy', 'a', 'check', false),
    set('haproxy', 'c', 'backup', false),
    set('haproxy', 'c', 'disabled', true),
    set('haproxy', 'c', 'maxconn', '10'),
    { what: 'server.add', ...ofServer('haproxy', 'd'), address: '127.0.0.1:3', options: [{ option: 'weight', value: '256' }] },
    set('haproxy', 'd', 'address', 'unix@/run/d.sock'),
    { what: 'server.remove', ...ofServer('haproxy', 'a') },
  ],
  nginx: [
    set('nginx', '127.0.0.1:2', 'weight', '3'),
    set('nginx', '127.0.0.1:2', 'down', false),
    set('nginx', '127.0.0.1:2', 'backup', true),
    set('nginx', '127.0.0.1:1', 'max_fails', '0'),
    {
      ...{ what: 'server.add', ...ofServer('nginx', 'unix:/run/a b;{"}.sock'), address: 'unix:/run/a b;{"}.sock' },
      options: [{ option: 'fail_timeout', value: '1h 5m' }],
    },
    { what: 'server.remove', ...ofServer('nginx', '127.0.0.1:2') },
  ],
  keepalived: [
    setRouter('priority', '200'),
    setRouter('advert_int', '2'),
    setRouter('state', 'BACKUP'),
    setRouter('nopreempt', true),
    { what: 'router.addAddress', ...ofRouter, address: '198.18.9.10/24 dev eth0 label eth0:vip' },
    { what: 'router.removeAddress', ...ofRouter, address: '198.18.9.9' },
  ],
}

describeLab('edits, read by the daemons', () => {
  let room: NodeRoom
  beforeAll(async () => {
    room = await openNodeRoom(['/etc/keepalived'], { network: 'private' })
    await room.run(
      'ip link set lo up; ip link add eth0 type veth peer name eth1; ip link set eth0 up; ip addr add 198.18.9.1/24 dev eth0',
    )
  })
  afterAll(() => room.close())

  const command: Record<ServiceKind, string> = {
    haproxy: 'haproxy -c -f /tmp/edit.conf',
    nginx: 'nginx -t -c /tmp/edit.conf',
    keepalived: 'keepalived -t -f /tmp/edit.conf',
  }
  /** what the daemon said, when it refused */
  async function complaint(kind: ServiceKind, file: string): Promise<string | null> {
    const limits = { signal: AbortSignal.timeout(30_000), timeoutMs: 30_000, maxBytes: 64 * 1024 }
    const script = `printf %s "$1" >/tmp/edit.conf; ${command[kind]} 2>&1 && echo accepted`
    const { stdout } = await room.session.exec(['sh', '-c', script, 'sh', file], limits)
    const said = stdout.toString().trim()
    return said.endsWith('accepted') ? null : said
  }

  it.each([
    ['haproxy', false],
    ['haproxy', true],
    ['nginx', false],
    ['nginx', true],
    ['keepalived', false],
  ] as const)('%s accepts every step, CRLF: %s', async (kind, isCrlf) => {
    let file = isCrlf ? text[kind].replaceAll('\n', '\r\n') : text[kind]
    expect(await complaint(kind, file)).toBeNull()
    for (const intent of steps[kind]) {
      for (const { edits } of editConfig([{ path: 'x', kind, text: file }], intent)) file = applyEdits(file, edits)
      expect([intent, file, await complaint(kind, file)]).toEqual([intent, file, null])
    }
  })

  it('a value that the daemon does not take is refused by it, so that the above means something', async () => {
    const [edit] = editConfig([{ path: 'x', kind: 'haproxy', text: text.haproxy }], set('haproxy', 'a', 'weight', '257'))
    expect(await complaint('haproxy', applyEdits(text.haproxy, edit?.edits ?? []))).toMatch(/weight/)
  })
})
