import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { resolveTarget } from '../../../../src-main/transport/ssh/resolve-target.ts'
import { type ConfigPlaces, createSshConfigReader, loadSshConfig } from '../../../../src-main/transport/ssh/ssh-config.ts'
import { readTextIfPresent } from '../../../../src-main/transport/ssh/text-file.ts'

let home: string
let places: ConfigPlaces

beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'evenkeel-ssh-'))
  mkdirSync(path.join(home, '.ssh'))
  places = {
    home,
    env: { SSH_AUTH_SOCK: '/agent.sock', MY_AGENT: '/other.sock' },
    readFile: readTextIfPresent,
    localUser: 'me',
    roots: [{ file: path.join(home, '.ssh', 'config'), includeDir: path.join(home, '.ssh') }],
  }
})
afterEach(() => rmSync(home, { recursive: true }))

const write = (name: string, text: string): void => {
  mkdirSync(path.dirname(path.join(home, '.ssh', name)), { recursive: true })
  writeFileSync(path.join(home, '.ssh', name), text)
}
const host = async (name: string, given: { user?: string; port?: number } = {}) =>
  (await loadSshConfig(places)).hostConfig(name, given)
const invalid = (text: string | RegExp) =>
  expect.objectContaining({ code: 'ssh.config-invalid', message: expect.stringMatching(text) })

const sample = `
# comment
Host lb1 lb2
  HostName %h.example.net
  User deploy
  IdentityFile ~/.ssh/%r_%h
  IdentityFile "%d/.ssh/with space"
Host !lb2 lb*
  Port 2201
Match host lb1.example.net user deploy
  IdentityFile ~/.ssh/matched
Match !host *.example.net
  Port 99
Match originalhost lb2 localuser root,me
  ProxyJump jump@bastion:2222
Host bastion
  HostName=192.0.2.1
Match all
  User fallback
  Port 2200
  IdentitiesOnly yes
`

describe('ssh_config', () => {
  it('gives defaults without a file', async () => {
    expect(await host('lb1')).toEqual({
      hostName: 'lb1',
      port: 22,
      user: 'me',
      identityFiles: null,
      identitiesOnly: false,
      agentSocket: '/agent.sock',
      proxyJump: null,
      knownHostsFile: null,
      hostKeyAlias: null,
      notes: [],
    })
  })

  it('takes the first value, adds up identity files and expands tokens', async () => {
    write('config', sample)
    expect(await host('lb1')).toMatchObject({
      hostName: 'lb1.example.net',
      user: 'deploy',
      port: 2201,
      proxyJump: null,
      identitiesOnly: true,
      identityFiles: [`${home}/.ssh/deploy_lb1.example.net`, `${home}/.ssh/with space`, `${home}/.ssh/matched`],
    })
    expect(await host('lb2')).toMatchObject({ port: 2200, proxyJump: 'jump@bastion:2222' })
    expect(await host('elsewhere')).toMatchObject({ hostName: 'elsewhere', port: 99, user: 'fallback', identityFiles: null })
  })

  const ssh = ((): boolean => {
    try {
      execFileSync('ssh', ['-V'], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  })()

  it.skipIf(!ssh).each(['lb1', 'lb2', 'bastion', 'elsewhere', 'lb77'])(
    'agrees with ssh -G about %s (skipped without ssh)',
    async (name) => {
      // ssh takes home and user from the account database, so these are made the same on both sides
      const { userInfo } = await import('node:os')
      const account = userInfo()
      write('config', sample.replace('root,me', `root,${account.username}`))
      const file = path.join(home, '.ssh', 'config')
      const told = new Map<string, string[]>()
      for (const line of execFileSync('ssh', ['-G', '-F', file, name], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).split('\n')) {
        const at = line.indexOf(' ')
        told.set(line.slice(0, at), [...(told.get(line.slice(0, at)) ?? []), line.slice(at + 1)])
      }
      places = {
        ...places,
        localUser: account.username,
        home: account.homedir,
        roots: [{ file, includeDir: path.join(home, '.ssh') }],
      }
      const found = await host(name)
      expect(found.hostName).toBe(told.get('hostname')?.[0])
      expect(String(found.port)).toBe(told.get('port')?.[0])
      expect(found.user).toBe(told.get('user')?.[0])
      expect(found.proxyJump ?? undefined).toBe(told.get('proxyjump')?.[0])
      const tokens = (text: string): string =>
        text
          .replace('~', account.homedir)
          .replace('%d', account.homedir)
          .replace('%r', found.user)
          .replace('%h', found.hostName)
      if (found.identityFiles !== null) expect(found.identityFiles).toEqual(told.get('identityfile')?.map(tokens))
    },
  )

  it('follows Include with globs, inside a Host block only for that host', async () => {
    write('config', 'Include conf.d/*.conf\nHost inner\n  Include inner.conf\nHost *\n  User last\n')
    write('conf.d/10-a.conf', 'Host a\n  Port 1001\n')
    write('conf.d/20-b.conf', 'Host a b\n  Port 1002\n')
    write('conf.d/ignored.txt', 'Port 1\n')
    write('inner.conf', 'User inside\nHost other\n  Port 5\n')
    expect(await host('a')).toMatchObject({ port: 1001, user: 'last' })
    expect(await host('b')).toMatchObject({ port: 1002, user: 'last' })
    expect(await host('inner')).toMatchObject({ port: 22, user: 'inside' })
    expect(await host('other')).toMatchObject({ port: 22, user: 'last' })
  })

  it('stops at an Include that includes itself', async () => {
    write('config', 'Include config\n')
    await expect(host('a')).rejects.toEqual(invalid(/config:1.*nested more than 16/))
  })

  it('never runs Match exec, and says so', async () => {
    write('config', `Host lb1\n  Port 1\nMatch exec "touch ${home}/ran"\n  User evil\n`)
    const found = await host('lb1')
    expect(found).toMatchObject({ port: 1, user: 'me' })
    expect(found.notes).toEqual([
      `The Match block at ${home}/.ssh/config:3 was left out: commands from the configuration are never run.`,
    ])
    expect(await readTextIfPresent(`${home}/ran`)).toBeNull()
  })

  it('reports an unsupported Match criterion', async () => {
    write('config', 'Match localnetwork 10.0.0.0/8\n  User x\n')
    expect((await host('lb1')).notes[0]).toContain('"localnetwork" is not supported')
  })

  it.each([
    ['Host lb1\n  Port none\n', /config:2: "none" is not a port/],
    ['Host lb1\n  ProxyCommand nc %h %p\n', /config:2: ProxyCommand is not supported/],
    ['Host "lb1\n', /config:1/],
    ['\nHost\n', /config:2/],
    ['User\n', /config:1: User has no value/],
    ['IdentityFile ~/.ssh/%z\n', /"%z"/],
    ['IdentityFile ${NOT_SET}/key\n', /NOT_SET/],
  ])('%j is refused with its place', async (text, message) => {
    write('config', text)
    await expect(host('lb1')).rejects.toEqual(invalid(message))
  })

  it('lets ProxyJump win over a later ProxyCommand', async () => {
    write('config', 'Host lb1\n  ProxyJump bastion\nHost *\n  ProxyCommand nc %h %p\n')
    expect((await host('lb1')).proxyJump).toBe('bastion')
  })

  it.each([
    ['none', null],
    ['SSH_AUTH_SOCK', '/agent.sock'],
    ['$MY_AGENT', '/other.sock'],
    ['/run/agent', '/run/agent'],
  ])('IdentityAgent %s', async (setting, socket) => {
    write('config', `IdentityAgent ${setting}\n`)
    expect((await host('lb1')).agentSocket).toBe(socket)
  })

  it('lists the concrete hosts with their place', async () => {
    write('config', 'Include more\nHost lb1 *.wild !no\n  HostName 192.0.2.5\n  User ops\n  IdentityFile ~/.ssh/k\n')
    write('more', '\nHost jump\n  Port 2222\nHost lb1\n  ProxyJump jump\n')
    expect(await createSshConfigReader(places).hosts()).toEqual([
      {
        alias: 'jump',
        hostName: 'jump',
        user: 'me',
        port: 2222,
        proxyJump: null,
        identityFiles: [],
        source: `${home}/.ssh/more:2`,
      },
      {
        alias: 'lb1',
        hostName: '192.0.2.5',
        user: 'ops',
        port: 22,
        proxyJump: 'jump',
        identityFiles: [`${home}/.ssh/k`],
        source: `${home}/.ssh/more:4`,
      },
    ])
  })
})

describe('resolving a target', () => {
  const hopsOf = async (target: Parameters<typeof resolveTarget>[0]) =>
    (await resolveTarget(target, places)).hops.map((hop) => `${hop.user}@${hop.host}:${hop.port}`)

  it('prefers what the node says', async () => {
    write('config', 'Host lb1\n  HostName 192.0.2.5\n  User ops\n  Port 2200\n  ProxyJump bastion\n  IdentityFile ~/.ssh/a\n')
    const { hops } = await resolveTarget(
      {
        host: 'lb1',
        user: 'root',
        port: 22,
        identityFile: '~/keys/b',
        proxyJump: 'none',
        knownHostsFile: '/lab/kh',
        auth: 'key',
      },
      places,
    )
    expect(hops).toEqual([
      expect.objectContaining({
        host: '192.0.2.5',
        port: 22,
        user: 'root',
        identityFiles: [`${home}/keys/b`],
        knownHostsFile: '/lab/kh',
        auth: 'key',
        isNode: true,
      }),
    ])
  })

  it("resolves every jump host, and follows the first one's own ProxyJump", async () => {
    write(
      'config',
      'Host lb1\n  ProxyJump a,b@b.example:2201\nHost a\n  HostName 192.0.2.1\n  ProxyJump outer\nHost b.example\n  ProxyJump ignored\nHost outer\n  User o\n',
    )
    expect(await hopsOf({ host: 'lb1' })).toEqual(['o@outer:22', 'me@192.0.2.1:22', 'b@b.example:2201', 'me@lb1:22'])
    expect(await hopsOf({ host: 'lb1', proxyJump: 'ssh://x@[2001:db8::1]:2222' })).toEqual(['x@2001:db8::1:2222', 'me@lb1:22'])
  })

  it('refuses jumps in a circle and words that are no host', async () => {
    write('config', 'Host lb1\n  ProxyJump lb2\nHost lb2\n  ProxyJump lb1\n')
    await expect(hopsOf({ host: 'lb1' })).rejects.toEqual(invalid(/more than 8 hosts/))
    await expect(hopsOf({ host: 'lb1', proxyJump: 'a b' })).rejects.toEqual(invalid(/"a b" is not a jump host/))
    await expect(hopsOf({ host: 'lb1', proxyJump: 'a:99999' })).rejects.toEqual(invalid(/is not a jump host/))
  })

  it('looks a HostKeyAlias up without a port, as ssh does', async () => {
    write('config', 'Host lb1\n  Port 2200\n  HostKeyAlias cluster\n')
    const { hops } = await resolveTarget({ host: 'lb1' }, places)
    expect(hops[0]).toMatchObject({ keyHost: 'cluster', keyPort: 22, port: 2200 })
  })
})
