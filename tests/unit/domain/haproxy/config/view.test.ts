import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../../../../src-main/domain/haproxy/config/tree.ts'
import { settingOf, viewOf } from '../../../../../src-main/domain/haproxy/config/view.ts'

const view = (...texts: string[]) =>
  viewOf(texts.map((text, index) => ({ path: `/etc/haproxy/${index}.cfg`, tree: parseConfig(text) })))
const proxy = (text: string) => view(text).proxies[0] ?? expect.fail('there is no proxy')

const base = `global
    maxconn 4000
defaults tcp
    mode tcp
    timeout client 1m
defaults
    mode http
    timeout server 30s
    default-server inter 2s rise 3
    default_backend fallback
`

describe('the view of a configuration', () => {
  it('gives a proxy what the defaults before it say, and lets it say otherwise', () => {
    const [web, raw] = view(
      `${base}frontend web\n    bind :80,:443 ssl crt /x\nlisten raw from tcp\n    timeout client 5s\n`,
    ).proxies
    expect(web?.binds).toEqual([
      { file: '/etc/haproxy/0.cfg', line: 12, addresses: [':80', ':443'], options: ['ssl', 'crt', '/x'] },
    ])
    expect(web?.routes).toEqual([{ file: '/etc/haproxy/0.cfg', line: 10, backend: 'fallback', condition: null }])
    expect([web, raw].map((each) => each && settingOf(each, 'mode')?.values)).toEqual([['http'], ['tcp']])
    expect(raw && settingOf(raw, 'timeout client')).toMatchObject({ values: ['5s'], inherited: false, line: 14 })
    expect(raw && settingOf(raw, 'timeout server')).toBeNull()
  })

  it('carries defaults over into the next file', () => {
    expect(view(base, 'backend b\n').proxies[0]?.settings).toContainEqual(
      expect.objectContaining({ keyword: 'timeout server', file: '/etc/haproxy/0.cfg' }),
    )
  })

  it('lists servers with their options and those of default-server', () => {
    const { servers } = proxy(
      `${base}backend api\n    server a 10.0.0.1:80 check rise 5 wieght 3\n    server-template w 1-3 w.example:80\n`,
    )
    expect(servers.map(({ name, address, count, line }) => [name, address, count, line])).toEqual([
      ['a', '10.0.0.1:80', 1, 12],
      ['w', 'w.example:80', 3, 13],
    ])
    const [a] = servers
    expect(a?.options.get('rise')).toMatchObject({ values: ['5'], inherited: false, from: 4, to: 6 })
    expect(a?.options.get('inter')).toMatchObject({ values: ['2s'], inherited: true })
    expect(a?.unknownOptions).toEqual(['wieght', '3'])
  })

  it('lists conditions and routes in order', () => {
    const web = proxy(
      'frontend web\n    acl is_api path_beg /api\n    use_backend api if is_api !slow\n    default_backend site\n',
    )
    expect(web.acls).toMatchObject([{ name: 'is_api', condition: 'path_beg /api' }])
    expect(web.routes.map(({ backend, condition }) => [backend, condition])).toEqual([
      ['api', 'if is_api !slow'],
      ['site', null],
    ])
  })

  it('ends where named defaults lead in a circle', () => {
    expect(proxy('defaults a from b\ndefaults b from a\nbackend x from b\n').settings).toEqual([])
  })
})
