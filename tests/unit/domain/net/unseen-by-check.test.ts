import { describe, expect, it } from 'vitest'
import { bindEndpoints } from '../../../../src-main/domain/haproxy/bind-endpoints.ts'
import { parseListeners, type NodeNetwork } from '../../../../src-main/domain/net/endpoint.ts'
import { unseenByCheck } from '../../../../src-main/domain/net/unseen-by-check.ts'
import { listenEndpoints } from '../../../../src-main/domain/nginx/listen-endpoints.ts'

const network: NodeNetwork = {
  listeners: parseListeners(`LISTEN 0 4096 0.0.0.0:80 0.0.0.0:* users:(("haproxy",pid=7,fd=6))
LISTEN 0 128 [::]:22 [::]:* users:(("sshd",pid=3,fd=4))
LISTEN 0 5 127.0.0.53%lo:53 0.0.0.0:*
`),
  addresses: new Set(['198.18.0.11', '127.0.0.1']),
  interfaces: new Set(['lo', 'eth0']),
  nonlocalBind: false,
}
const haproxy = (binds: string) => bindEndpoints([{ path: 'a.cfg', text: `frontend web\n    bind ${binds}\n` }])
const nginx = (listen: string) => listenEndpoints([{ path: 'a.conf', text: `http { server { listen ${listen}; } }` }])
const own = (sharesOwn: boolean) => ({ pids: new Set([7]), sharesOwn })

describe('what a check of the files cannot see', () => {
  it.each([
    [':443', []],
    ['198.18.0.11:80', []],
    [':22', ['*:22 is in use by sshd (process 3)']],
    ['ipv4@127.0.0.53:53', ['127.0.0.53:53 is in use by another process']],
    ['198.18.0.12:443', ['this node does not have the address of 198.18.0.12:443, and net.ipv4.ip_nonlocal_bind is 0']],
    ['198.18.0.12:443 transparent', []],
    [':21-23', ['*:22 is in use by sshd (process 3)']],
    ['/run/web.sock,unix@/run/x:1,abns@x,name.example:80,:"${PORT}"', []],
  ])('HAProxy: bind %s', (binds, messages) => {
    expect(unseenByCheck(haproxy(binds), [], network, own(true)).map(({ message }) => message)).toEqual(messages)
  })

  it.each([
    ['80', []],
    ['198.18.0.11:80', ['198.18.0.11:80 is in use by haproxy (process 7)']],
    ['[::]:22', ['*:22 is in use by sshd (process 3)']],
    ['unix:/run/x', []],
    ['22 udp', []],
    ['127.0.0.1', ['127.0.0.1:80 is in use by haproxy (process 7)']],
  ])('nginx: listen %s', (listen, messages) => {
    expect(unseenByCheck(nginx(listen), [], network, own(false)).map(({ message }) => message)).toEqual(messages)
  })

  it('has nothing to say of what is listened on already, nor where any address may be bound', () => {
    expect(unseenByCheck(haproxy(':22'), haproxy('*:22'), network, own(true))).toEqual([])
    expect(unseenByCheck(haproxy('198.18.0.12:443'), [], { ...network, nonlocalBind: true }, own(true))).toEqual([])
  })
})
