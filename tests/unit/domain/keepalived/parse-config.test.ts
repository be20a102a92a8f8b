import { describe, expect, it } from 'vitest'
import { endsByItself, startOptionsFrom } from '../../../../src-main/domain/keepalived/parse-argv.ts'
import { includesOf, instancesOf, linesOf } from '../../../../src-main/domain/keepalived/parse-config.ts'
import { fixture, password } from './fixtures.ts'

const instances = (text: string) => instancesOf(linesOf('/etc/keepalived/keepalived.conf', text))

describe('the configuration file', () => {
  it('tells of its instances', () => {
    expect(instancesOf(linesOf('/run/w/vi1.conf', fixture('instances.conf')))).toEqual([
      {
        name: 'VI_1',
        vrid: 51,
        interface: 'eth0',
        priority: 150,
        advertIntMs: 1000,
        nopreempt: false,
        addresses: ['198.18.7.100', '198.18.7.101', '198.18.7.150'],
        unicastPeers: ['198.18.7.2'],
        tracked: [
          { kind: 'script', name: 'chk_file', weight: null },
          { kind: 'process', name: 'px', weight: null },
          { kind: 'file', name: 'adj', weight: null },
        ],
        file: '/run/w/vi1.conf',
        line: 1,
      },
      expect.objectContaining({
        name: 'VI 2; odd',
        vrid: 52,
        priority: 90,
        advertIntMs: 500,
        nopreempt: true,
        tracked: [{ kind: 'interface', name: 'lo', weight: 10 }],
        line: 32,
      }),
    ])
  })

  it.each([
    'authentication {\n auth_type PASS\n auth_pass s3cr3tPW\n}',
    'authentication { auth_type PASS auth_pass s3cr3tPW }',
    'authentication\n{\nauth_pass "s3cr3tPW"\n}',
    'auth_pass s3cr3tPW',
    'auth_pass word s3cr3tPW # s3cr3tPW',
  ])('never gives the password out: %j', (block) => {
    const lines = linesOf('/k.conf', `vrrp_instance A {\n${block}\n priority 7\n}`)
    expect(JSON.stringify(lines)).not.toContain(password)
    expect(instancesOf(lines)).toMatchObject([{ name: 'A', priority: 7 }])
  })

  it('knows comments, quotes, and braces on any line', () => {
    const text = `! vrrp_instance NO {\nvrrp_instance "a # b"\n{ priority 5 # 6\n virtual_ipaddress { 198.18.0.1/24 dev eth0 } }\nvrrp_instance B { nopreempt }`
    expect(instances(text)).toMatchObject([
      { name: 'a # b', priority: 5, addresses: ['198.18.0.1'] },
      { name: 'B', priority: 100, nopreempt: true, addresses: [] },
    ])
  })

  it('is not confused by what other blocks call priority', () => {
    expect(
      instances('vrrp_instance A {\n notify_master "/x" {\n priority 3\n }\n}\nvirtual_server 198.18.0.1 80 { priority 9 }'),
    ).toMatchObject([{ priority: 100 }])
  })

  it('names its includes from the directory of the file they stand in', () => {
    expect(
      includesOf(linesOf('/etc/keepalived/keepalived.conf', 'include conf.d/*.conf\n# include no\ninclude "/opt/a b.conf"')),
    ).toEqual(['/etc/keepalived/conf.d/*.conf', '/opt/a b.conf'])
  })
})

describe('the command line', () => {
  it.each([
    [['keepalived'], null, null],
    [['/usr/sbin/keepalived', '--dont-fork', '--use-file=/a b.conf', '--pid', '/p'], '/a b.conf', '/p'],
    [['keepalived', '-DnPf', '/a.conf', '-p/p'], '/a.conf', '/p'],
    [['keepalived', '-S', '3', '-i', 'f', '-f/a'], '/a', null],
    [['keepalived', '-f'], null, null],
  ])('%j', (argv, config, pidFile) => expect(startOptionsFrom(`${argv.join('\0')}\0`)).toEqual({ config, pidFile }))
})

describe('endsByItself', () => {
  it.each([
    [['-v'], true],
    [['--signum=JSON'], true],
    [['-t', '-f', '/etc/keepalived/new.conf'], true],
    [['-nt'], true],
    [['--config-test=/tmp/log'], true],
    [['--dont-fork', '--log-console'], false],
    [['-D', '-f', '/etc/keepalived/vht.conf'], false],
    [['-Df/etc/vht'], false],
    [[], false],
  ])('%j: %s', (argv, ends) => expect(endsByItself(['keepalived', ...argv, ''].join('\0'))).toBe(ends))
})
