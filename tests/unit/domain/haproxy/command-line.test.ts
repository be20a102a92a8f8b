import { describe, expect, it } from 'vitest'
import { parseCommandLine, unixPath } from '../../../../src-main/domain/haproxy/command-line.ts'
import { findStatsSockets } from '../../../../src-main/domain/haproxy/config-sockets.ts'

const parse = (line: string, folder = '/') => parseCommandLine(line.split(' '), folder)

describe('parseCommandLine', () => {
  it("reads Debian's unit", () => {
    expect(parse('/usr/sbin/haproxy -Ws -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid -S /run/haproxy-master.sock')).toEqual({
      configFiles: ['/etc/haproxy/haproxy.cfg'],
      masterWorker: true,
      masterSocket: '/run/haproxy-master.sock',
      pidFile: '/run/haproxy.pid',
    })
  })

  it('reads a worker after a reload: the pids after -sf are not files', () => {
    expect(parse('haproxy -sf 11769 12 -x sockpair@3 -W -S /run/m.sock,mode,660 -f a.cfg -f /b', '/etc/haproxy')).toMatchObject(
      {
        configFiles: ['/etc/haproxy/a.cfg', '/b'],
        masterSocket: '/run/m.sock',
      },
    )
  })

  it('resolves relative files against -C, and takes everything after -- for a file', () => {
    expect(parse('haproxy -C /etc/haproxy -f main.cfg -D -- ./one.cfg two.cfg', '/root').configFiles).toEqual([
      '/etc/haproxy/main.cfg',
      '/etc/haproxy/one.cfg',
      '/etc/haproxy/two.cfg',
    ])
    expect(parse('haproxy -f x.cfg', '').configFiles).toEqual(['x.cfg'])
  })

  it('takes no value of an option for another option', () => {
    expect(parse('haproxy -L -f -n 10 -m 512 -dM0x50 -f /a.cfg').configFiles).toEqual(['/a.cfg'])
    expect(parse('haproxy -f').configFiles).toEqual([])
  })
})

describe('unixPath', () => {
  it.each([
    ['/run/x.sock', '/run/x.sock'],
    ['unix@/run/x.sock', '/run/x.sock'],
    ['ipv4@127.0.0.1:9999', null],
    ['abns@x', null],
    ['fd@3', null],
    ['/run/$NAME.sock', null],
    ['*:1999', null],
  ])('%s is %s', (address, path) => expect(unixPath(address)).toBe(path))
})

describe('findStatsSockets', () => {
  it('reads sockets of the global section, with the level HAProxy takes when none is given', () => {
    const { sockets, masterWorker } = findStatsSockets(
      [
        'global # stats socket /run/not-me.sock',
        '  master-worker',
        '\tstats socket /run/a.sock mode 660 group haproxy level admin expose-fd listeners',
        '  stats socket "/run/with space.sock" # level admin',
        "  stats socket unix@/run/u.sock level 'user'",
        '  stats socket ipv4@127.0.0.1:9999 level admin',
        '  #stats socket /run/commented.sock level admin',
        'frontend f',
        '  stats socket /run/elsewhere.sock',
        'global',
        '  stats socket /run/second\\ part.sock level operator',
      ].join('\n'),
    )
    expect(masterWorker).toBe(true)
    expect(sockets.map(({ path, level, group, line }) => ({ path, level, group, line }))).toEqual([
      { path: '/run/a.sock', level: 'admin', group: 'haproxy', line: 3 },
      { path: '/run/with space.sock', level: 'operator', group: null, line: 4 },
      { path: '/run/u.sock', level: 'user', group: null, line: 5 },
      { path: '/run/second part.sock', level: 'operator', group: null, line: 11 },
    ])
    expect(sockets[0]?.text).toBe('stats socket /run/a.sock mode 660 group haproxy level admin expose-fd listeners')
  })
})
