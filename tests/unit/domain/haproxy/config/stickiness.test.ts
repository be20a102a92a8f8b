import { expect, it } from 'vitest'
import { stickinessOf } from '../../../../../src-main/domain/haproxy/config/stickiness.ts'
import { parseConfig } from '../../../../../src-main/domain/haproxy/config/tree.ts'
import { viewOf } from '../../../../../src-main/domain/haproxy/config/view.ts'

const path = '/etc/haproxy/haproxy.cfg'
const of = (text: string, server = 's1') => stickinessOf(viewOf([{ path, tree: parseConfig(text) }]), 'be', server)
const short = (text: string, server?: string) => of(text, server).map(({ kind, name, written }) => [kind, name, written])

it('a cookie leads to the servers that have a value of it, and says where it stands', () => {
  const text = 'backend be\n  cookie SRV insert indirect\n  server s1 10.0.0.1:80 cookie w1\n  server s2 10.0.0.2:80\n'
  expect(of(text)).toEqual([
    { kind: 'cookie', name: 'SRV=w1', written: 'cookie SRV insert indirect', file: path, line: 2, entries: null },
  ])
  expect(of(text, 's2')).toEqual([])
  expect(of(text, 's3')).toEqual([])
})

it('a cookie of the defaults counts, and one that HAProxy makes itself', () => {
  expect(short('defaults\n  cookie A insert dynamic\nbackend be\n  server s1 10.0.0.1:80\n')).toEqual([
    ['cookie', 'A', 'cookie A insert dynamic'],
  ])
  expect(short('backend be\n  persist rdp-cookie\n  server s1 10.0.0.1:80\n')).toEqual([
    ['cookie', 'rdp-cookie', 'persist rdp-cookie'],
  ])
})

it('a stick table is the backend’s own or another’s; what is only stored leads nobody', () => {
  const rules = '  stick on src\n  stick match req.cook(id) table other\n  stick store-response res.cook(id)\n'
  expect(short(`backend be\n  stick-table type ip size 1k\n${rules}  server s1 10.0.0.1:80\n`)).toEqual([
    ['table', 'be', 'stick on src'],
    ['table', 'other', 'stick match req.cook(id) table other'],
  ])
  expect(short(`backend be\n${rules}  server s1 10.0.0.1:80 non-stick\n`)).toEqual([])
})

it('a hash leads there as well, as long as the server is in', () => {
  expect(short('listen be\n  balance hdr(X-User)\n  server s1 10.0.0.1:80\n')).toEqual([['hash', 'hdr', 'balance hdr(X-User)']])
  expect(short('listen be\n  balance leastconn\n  server s1 10.0.0.1:80\n')).toEqual([])
})

it('knows the servers that a template makes', () => {
  const text = 'backend be\n  cookie C insert dynamic\n  server-template web 1-3 app.example:80\n'
  expect(short(text, 'web2')).toHaveLength(1)
  expect(short(text, 'webx')).toEqual([])
})
