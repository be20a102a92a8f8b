import { expect, it } from 'vitest'
import { algorithmOf } from '../../../../src-main/domain/balance/algorithm-of.ts'

it.each([
  ['haproxy', 'roundrobin', { kind: 'haproxy-roundrobin' }],
  ['haproxy', 'leastconn', { kind: 'haproxy-leastconn' }],
  ['haproxy', 'source', { kind: 'haproxy-hash', of: 'address' }],
  ['haproxy', 'uri', { kind: 'haproxy-hash', of: 'text' }],
  ['haproxy', 'first', null],
  ['haproxy', 'unknown', null],
  ['nginx', 'round robin', { kind: 'nginx-round-robin' }],
  ['nginx', 'sticky cookie route', { kind: 'nginx-round-robin' }],
  ['nginx', 'least_conn, sticky cookie route', { kind: 'nginx-least-conn' }],
  ['nginx', 'ip_hash', { kind: 'nginx-ip-hash' }],
  ['nginx', 'hash $request_uri', { kind: 'nginx-hash' }],
  ['nginx', 'hash $request_uri consistent', { kind: 'nginx-consistent-hash' }],
  ['nginx', 'random', { kind: 'random', choices: 1 }],
  ['nginx', 'random two least_conn', { kind: 'random', choices: 2 }],
  ['nginx', 'random two least_time=header', null],
  ['nginx', 'least_time header', null],
] as const)('%s: %s', (daemon, words, algorithm) => {
  expect(algorithmOf(daemon, words)).toEqual(algorithm)
})
