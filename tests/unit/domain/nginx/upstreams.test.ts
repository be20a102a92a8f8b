import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../../../src-main/domain/nginx/parse-config.ts'
import { splitConfigDump } from '../../../../src-main/domain/nginx/split-config-dump.ts'
import { findStubStatusUrl, parseStubStatus } from '../../../../src-main/domain/nginx/stub-status.ts'
import { findUpstreams, secondsFrom } from '../../../../src-main/domain/nginx/upstreams.ts'
import { fixture } from './fixtures.ts'

const directivesOf = (text: string) => parseConfig([{ path: '/etc/nginx/nginx.conf', text }]).directives
const serverOf = (line: string) =>
  findUpstreams(directivesOf(`http { upstream a { server ${line}; } }`))[0]?.servers[0] ?? expect.fail('no server')

describe('findUpstreams', () => {
  const recorded = findUpstreams(parseConfig(splitConfigDump(fixture('config-dump.txt'))).directives)

  it('keeps http and stream upstreams of one name apart', () => {
    expect(recorded.map(({ context, name, algorithm }) => [context, name, algorithm])).toEqual([
      ['http', 'app', 'least_conn'],
      ['http', 'odd name;{}', 'hash $request_uri consistent'],
      ['stream', 'app', 'hash $remote_addr'],
    ])
  })

  it('reads every parameter of a server', () => {
    expect(recorded[0]?.servers[0]).toMatchObject({ weight: 5, maxConns: 100, maxFails: 2, failTimeoutS: 5, down: false })
    expect(recorded[0]?.servers[1]).toMatchObject({ weight: 1, maxConns: null, failTimeoutS: 60, down: true, line: 5 })
    expect(recorded[0]?.servers[4]).toMatchObject({ backup: true, maxFails: 1, failTimeoutS: 10 })
  })

  it.each([
    ['198.18.0.1', '198.18.0.1:80', { address: '198.18.0.1', port: 80 }],
    ['[2001:db8::1]', '[2001:db8::1]:80', { address: '2001:db8:0:0:0:0:0:1', port: 80 }],
    ['[::ffff:198.18.0.1]:8000', '[::ffff:198.18.0.1]:8000', { address: '198.18.0.1', port: 8000 }],
    ['app.example:8000 resolve', 'app.example:8000', null],
    ['unix:/run/a.sock', 'unix:/run/a.sock', null],
  ])('server %s is %s', (line, address, endpoint) => expect(serverOf(line)).toMatchObject({ address, endpoint }))

  it.each([
    ['ip_hash;', 'ip_hash'],
    ['random two least_conn;', 'random two least_conn'],
    ['keepalive 16;', 'round robin'],
  ])('the algorithm of %s is %s', (line, expected) => {
    expect(findUpstreams(directivesOf(`stream { upstream a { ${line} } }`))[0]?.algorithm).toBe(expected)
  })

  it.each([
    ['10', 10],
    ['1m30s', 90],
    ['500ms', 0.5],
    ['soon', null],
  ])('%s is %s seconds', (text, expected) => expect(secondsFrom(text)).toBe(expected))
})

describe('the status page', () => {
  it('is parsed', () =>
    expect(parseStubStatus(fixture('stub-status.txt'))).toMatchObject({ active: 9, requests: 7, writing: 7 }))
  it('is not mistaken for another page', () => expect(parseStubStatus('<html>404 Not Found</html>')).toBeNull())

  it.each([
    ['listen 127.0.0.1:8181; location = /s { stub_status; }', 'http://127.0.0.1:8181/s'],
    ['location /s { stub_status on; }', 'http://127.0.0.1:80/s'],
    ['listen [::]:81; location /a { location /a/s { stub_status; } }', 'http://[::1]:81/a/s'],
    ['listen *:8080 default_server; location ^~ /s { stub_status; }', 'http://127.0.0.1:8080/s'],
    ['listen 198.18.0.1; location /s { stub_status; }', 'http://198.18.0.1:80/s'],
    ['listen 443 ssl; location /s { stub_status; }', null],
    ['listen unix:/run/s.sock; location /s { stub_status; }', null],
    ['location ~ ^/s { stub_status; }', null],
    ['location /s { return 200; }', null],
  ])('of { %s } is at %s', (server, expected) => {
    expect(findStubStatusUrl(directivesOf(`http { server { ${server} } }`))).toBe(expected)
  })
})
