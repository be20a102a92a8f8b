import { describe, expect, it } from 'vitest'
import { doorKey, doorRegression, frontDoors, type Outcome } from '../../../../src-main/domain/push/front-doors.ts'

const keys = (kind: 'haproxy' | 'nginx', text: string): string[] => frontDoors([{ kind, path: '/etc/file', text }]).map(doorKey)

describe('front doors', () => {
  it("are HAProxy's binds, asked over HTTP where that is spoken in the clear", () => {
    const text = `defaults
  mode http
frontend web
  bind *:80
  bind 198.18.0.10:8080,[::1]:81
  bind *:443 ssl crt /etc/x.pem
  bind *:82 accept-proxy
  bind unix@/run/x.sock
listen db
  mode tcp
  bind *:5432
backend be
  server a 198.18.0.1:80
`
    expect(keys('haproxy', text)).toEqual([
      '* 80 /',
      '198.18.0.10 8080 /',
      '0:0:0:0:0:0:0:1 81 /',
      '* 443 ',
      '* 82 ',
      '* 5432 ',
    ])
  })
  it("are nginx's listeners, with a path for each location that passes on", () => {
    const text = `http { server {
      listen 80 default_server; listen 443 ssl; listen unix:/run/x;
      location / { proxy_pass http://app; }
      location ^~ /portal/ { proxy_pass http://portal; }
      location /static/ { root /srv; }
      location ~ \\.php$ { proxy_pass http://php; }
    } }
    stream { server { listen 5432; proxy_pass db; } server { listen 53 udp; proxy_pass dns; } }`
    expect(keys('nginx', text)).toEqual(['* 80 /', '* 80 /portal/', '* 443 ', '* 5432 '])
  })
  it('are told apart in a file that nginx includes from elsewhere', () => {
    expect(keys('nginx', 'server { listen 80; root /srv; }')).toEqual(['* 80 /'])
    expect(keys('nginx', 'server { listen 25; proxy_pass mail; }')).toEqual(['* 25 '])
  })
  it('are no more than a few, each once', () => {
    const many = Array.from(
      { length: 40 },
      (_, index) => `server { listen ${8000 + index}; } server { listen ${8000 + index}; }`,
    )
    const found = keys('nginx', many.join('\n'))
    expect(found).toHaveLength(12)
    expect(new Set(found).size).toBe(12)
  })
})

describe('a door that became worse', () => {
  const judge = (before: Outcome[], since: Outcome[]) => doorRegression('http://198.18.0.10/ from lb2', before, since)
  it.each<[string, Outcome[], Outcome[]]>([
    ['as before', ['answered', 'answered'], ['answered', 'answered']],
    ['one failure, as a reload may cause', ['answered'], ['none', 'answered', 'answered', 'answered']],
    ['failures of long ago', ['answered'], ['none', 'none', 'answered', 'answered', 'answered', 'answered']],
    ['it failed before as well', ['answered', 'taken'], ['taken', 'taken', 'taken']],
    ['it became better', ['taken'], ['answered', 'answered']],
    ['not tried yet', ['answered'], []],
  ])('%s: no', (_, before, since) => expect(judge(before, since)).toBeNull())

  it('says which, seen from where, and what came of it', () => {
    expect(judge(['answered', 'answered'], ['answered', 'taken', 'answered', 'taken'])).toEqual({
      metric: 'answers',
      subject: 'http://198.18.0.10/ from lb2',
      before: 2,
      after: 1,
      text: 'http://198.18.0.10/ from lb2: it is not answered, or with 5xx; before, it is answered.',
    })
    expect(judge(['taken'], ['none', 'none'])?.text).toContain('nobody takes the connection')
  })
})
