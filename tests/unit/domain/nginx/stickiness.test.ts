import { expect, it } from 'vitest'
import { stickinessOf } from '../../../../src-main/domain/nginx/stickiness.ts'

const of = (method: string, context: 'http' | 'stream' = 'http') => {
  const text = `http { upstream a {\n${method} server 10.0.0.1:80; } }\nstream { upstream a { hash $remote_addr; server 10.0.0.1:80; } }`
  return stickinessOf([{ path: '/etc/nginx/nginx.conf', text }], { context, upstream: 'a', address: '10.0.0.1:80' })
}

it('hashes and cookies lead clients to a member; the rest does not', () => {
  expect(of('ip_hash;')).toEqual([
    { kind: 'hash', name: 'ip_hash', written: 'ip_hash', file: '/etc/nginx/nginx.conf', line: 1, entries: null },
  ])
  expect(of('least_conn; sticky cookie srv_id expires=1h;')).toMatchObject([
    { kind: 'cookie', name: 'srv_id', written: 'sticky cookie srv_id expires=1h' },
  ])
  expect(of('least_conn;')).toEqual([])
  expect(of('', 'stream')).toMatchObject([{ kind: 'hash', written: 'hash $remote_addr' }])
})
