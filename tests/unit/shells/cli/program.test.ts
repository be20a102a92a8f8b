import { chmod, mkdtemp, rm, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../../../src-main/app/app-error.ts'
import { compose, type Console } from '../../../../src-main/compose.ts'
import { hostAndPort } from '../../../../src-main/shells/cli/key-commands.ts'
import { runProgram } from '../../../../src-main/shells/cli/program.ts'
import type { Terminal } from '../../../../src-main/shells/cli/terminal.ts'
import { systemClock } from '../../../../src-main/system-clock.ts'
import {
  fakeCipher,
  fakeHaproxy,
  fakeNodeFacts,
  fakeSessions,
  silentLog,
  type FakeHaproxy,
  type FakeSessions,
} from '../../app/fakes.ts'
import { haproxy, pool, server } from '../../domain/fleet/readings.ts'

let folder: string
let sessions: FakeSessions
let driver: FakeHaproxy
let answers: (string | null)[]
let interrupt: () => void
let cipher: typeof fakeCipher | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evenkeel-cli-'))
  sessions = fakeSessions(systemClock)
  driver = fakeHaproxy({ lb1: balancer(), lb2: balancer() })
  answers = []
  cipher = fakeCipher
  await writeFile(
    join(folder, 'fleet.json'),
    JSON.stringify({
      version: 1,
      nodes: ['lb1', 'lb2'].map((id) => ({ id, name: id, ssh: { host: id } })),
      pairs: [{ id: 'edge', name: 'Edge', nodes: ['lb1', 'lb2'] }],
    }),
  )
})

afterEach(() => rm(folder, { recursive: true }))

const balancer = () =>
  haproxy([pool('app', [server('w1', { word: 'UP\u001b[31m' }), server('w2', { state: 'down', word: 'DOWN' })])])

/** The whole command line in this process, on stand-ins for SSH and the daemons. */
async function evenkeel(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = []
  const err: string[] = []
  const terminal: Terminal = {
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    ask: async () => answers.shift() ?? null,
    askSecret: async () => answers.shift() ?? null,
    raw: (bytes) => void out.push(Buffer.from(bytes).toString('latin1')),
    readStdin: async () => '',
    onInterrupt(listener) {
      interrupt = listener
      return () => undefined
    },
  }
  const code = await runProgram(args, terminal, open, '0.0.0')
  return { code, out: out.join('\n'), err: err.join('\n') }
}

function open(lookOnly: boolean): Promise<Console> {
  const overrides = { sessions: () => sessions, drivers: [driver], probeNodeFacts: fakeNodeFacts, random: () => 0 }
  const dataFolder = join(folder, 'data')
  const given = cipher === undefined ? {} : { cipher }
  return compose({ dataFolder, shell: 'cli', env: {}, home: folder, ...given, log: silentLog, lookOnly, overrides })
}

const imported = () => evenkeel('inventory', 'import', join(folder, 'fleet.json'))

describe('reading', () => {
  test('an imported fleet is listed with state, word, weight, sessions and age', async () => {
    expect(await imported()).toMatchObject({ code: 0, out: 'added: lb1, lb2' })
    const { code, out } = await evenkeel('servers', '--json')
    expect(code).toBe(0)
    const rows = JSON.parse(out) as { id: string; state: string; on: object[] }[]
    expect(rows.map((row) => [row.id, row.state])).toEqual([
      ['edge/haproxy/app/w1', 'up'],
      ['edge/haproxy/app/w2', 'down'],
    ])
    expect(rows[1]?.on[0]).toMatchObject({
      node: 'lb1',
      word: 'DOWN',
      weight: 1,
      sessions: 0,
      ageMs: expect.any(Number) as number,
      error: null,
    })
    expect((JSON.parse((await evenkeel('servers', '--state', 'down', '--json')).out) as object[]).length).toBe(1)
  })

  test('what a node says cannot steer the terminal', async () => {
    await imported()
    expect((await evenkeel('servers')).out).not.toContain('\u001b')
  })

  test('a node that cannot be read is told, and the exit code says that there are holes', async () => {
    await imported()
    sessions.break('lb2', new AppError('ssh.timeout', 'lb2 did not answer within 10 s.'))
    const { code, err } = await evenkeel('servers')
    expect(code).toBe(3)
    expect(err).toBe('evenkeel: lb2 was not read: lb2 did not answer within 10 s.')
  })
})

describe('operations', () => {
  test('drain, look at it, undo', async () => {
    await imported()
    const drained = await evenkeel('drain', 'app/w1', '--reason', 'kernel', '--floor', '0', '--json')
    expect(drained, drained.err).toMatchObject({ code: 0 })
    const [job = ''] = (JSON.parse(drained.out) as { jobs: string[] }).jobs
    expect((await evenkeel('ready', 'app/w1')).code, 'not against a drain').toBe(4)
    expect((await evenkeel('servers', '--state', 'draining')).out).toContain('app')
    expect((await evenkeel('undo', job)).code).toBe(0)
    expect((await evenkeel('undo', job)).code).toBe(4)
    const sent = (state: string) => ['lb1', 'lb2'].map((node) => `${node} set server app/w1 state ${state}`)
    expect(driver.sent.slice(0, 2)).toEqual(sent('drain'))
    // Each balancer is put back by a job of its own.
    expect(driver.sent.slice(2).sort()).toEqual(sent('ready'))
    const history = JSON.parse((await evenkeel('history', '--json')).out) as { kind: string }[]
    expect(history.filter((entry) => entry.kind === 'operation.ended')).toHaveLength(3)
  })

  test('a floor that does not hold is refused; --dry-run says so and changes nothing', async () => {
    await imported()
    const { code, out } = await evenkeel('drain', 'w1', '--dry-run')
    expect(code).toBe(4)
    expect(out).toContain('0 of 1 that take traffic would remain, 1 must: refused')
    expect(out).toContain('set server app/w1 state drain')
    expect(driver.sent).toEqual([])
  })

  test('is refused while another shell drives, naming it', async () => {
    await imported()
    const window = await open(false)
    const { code, err } = await evenkeel('drain', 'w1', '--reason', 'r')
    expect(code).toBe(4)
    expect(err).toContain(`process ${process.pid}`)
    expect((await evenkeel('servers')).code).toBe(0)
    await window.stop()
    expect(driver.sent).toEqual([])
  })

  test('Ctrl-C undoes what was done, and waits for that', async () => {
    await imported()
    const reached = new Promise<void>((resolve) => {
      const { sent } = driver
      driver.sent.push = (...lines: string[]) => {
        const length = Array.prototype.push.apply(sent, lines)
        if (sent.length === 1) interrupt()
        resolve()
        return length
      }
    })
    const { code, out } = await evenkeel('maint', 'w1')
    await reached
    expect(code).toBe(1)
    expect(out).toMatch(/: cancelled|: rolled-back/)
    expect(driver.sent.at(-1)).toBe('lb1 set server app/w1 state ready')
    expect(driver.sent.filter((line) => line.startsWith('lb2')).length % 2).toBe(0)
  })

  test('a drain is waited for, listed, kept by the next command and put back', async () => {
    await imported()
    const drained = await evenkeel('drain', 'w1', '--reason', 'disk', '--floor', '0', '--wait', '--expires', '2h')
    expect(drained, drained.err).toMatchObject({ code: 0 })
    expect(drained.out).toContain('srv_admin_state=8')
    expect((await evenkeel('drains')).out).toMatch(/empty .*Drain app\/w1 on lb1, lb2 +disk/)
    expect((await evenkeel('drain', 'w1', '--reason', 'again', '--floor', '0')).code).toBe(4)
    const back = await evenkeel('undrain', 'w1')
    expect(back, back.err).toMatchObject({ code: 0 })
    expect(driver.sent.filter((line) => line.endsWith('ready'))).toHaveLength(2)
    expect((await evenkeel('undrain', 'w1')).err).toContain('No drain is in force.')
    expect((await evenkeel('drains', '--all')).out).toContain('ended')
  })

  test('a balancer that was never read may have the server: all or nothing, or the rest when it answers', async () => {
    await imported()
    sessions.break('lb2', new AppError('ssh.timeout', 'lb2 did not answer within 10 s.'))
    const refused = await evenkeel('drain', 'w1', '--reason', 'disk', '--floor', '0')
    expect(refused).toMatchObject({ code: 3 })
    expect(refused.err).toContain('lb2 cannot be read now')
    expect(driver.sent).toEqual([])
    const later = await evenkeel('drain', 'w1', '--reason', 'disk', '--floor', '0', '--unreachable', 'later')
    expect(later).toMatchObject({ code: 3 })
    expect(driver.sent).toEqual(['lb1 set server app/w1 state drain'])
    sessions.break('lb2', null)
    const back = await evenkeel('undrain', 'w1')
    expect(back, back.err).toMatchObject({ code: 0 })
    expect(driver.sent.filter((line) => line.startsWith('lb2')).length % 2, 'lb2 is as it was').toBe(0)
  })

  test('a drain is held, goes on, and is finished', async () => {
    await imported()
    for (const nodeId of ['lb1', 'lb2']) {
      driver.readings.set(nodeId, haproxy([pool('app', [server('w1', { sessions: 2 }), server('w2')])]))
    }
    expect((await evenkeel('drain', 'w1', '--reason', 'disk', '--expires', '1h')).code).toBe(0)
    expect((await evenkeel('hold', 'w1')).out).toContain(': held.')
    expect((await evenkeel('resume', 'w1')).out).toContain(': draining.')
    const finished = await evenkeel('finish', 'w1', '--json')
    expect(finished, finished.err).toMatchObject({ code: 0 })
    expect(JSON.parse(finished.out)).toMatchObject({ cut: 4, state: 'empty', goal: 'maintenance' })
    expect((await evenkeel('undrain', 'w1')).code).toBe(0)
  })

  describe('in waves', () => {
    beforeEach(async () => {
      for (const nodeId of ['lb1', 'lb2']) {
        const servers = ['web1', 'web2', 'web3', 'spare'].map((name) => server(name))
        driver.readings.set(nodeId, haproxy([pool('app', servers)]))
      }
      await imported()
    })
    const chosen = ['--pool', 'app', '--match', 'web*'] as const

    test('a selector goes so many at a time, at a word, and stops where it is told to', async () => {
      const plan = await evenkeel('drain', ...chosen, '--waves', '2', '--dry-run')
      expect(plan, plan.err).toMatchObject({ code: 0 })
      expect(plan.out).toContain('wave 2 of 2: edge/haproxy/app/web3')
      expect(plan.out).not.toContain('app/spare state drain')
      expect((await evenkeel('drain', ...chosen, '--waves', '2', '--floor', '3', '--dry-run')).code).toBe(4)
      const first = await evenkeel('drain', ...chosen, '--one-by-one', '--reason', 'kernel')
      expect(first, first.err).toMatchObject({ code: 0 })
      expect(first.out).toContain('wave 1 of 3, then edge/haproxy/app/web2, edge/haproxy/app/web3; to go on: evenkeel go-on')
      const second = await evenkeel('go-on', 'web1', '--json')
      expect(second, second.err).toMatchObject({ code: 0 })
      expect(JSON.parse(second.out)).toMatchObject({ targets: ['edge/haproxy/app/web2'], waves: { number: 2, of: 3 } })
      expect(driver.sent.filter((line) => line.includes('web1')).at(-1)).toContain('state ready')
      const stopped = await evenkeel('stop-here', 'web2', '--json')
      expect(JSON.parse(stopped.out)).toMatchObject({ next: [], goal: 'out' })
      expect((await evenkeel('go-on', 'web3')).err).toContain('No drain in force has the server "web3"')
      expect(await evenkeel('undrain', 'web2')).toMatchObject({ code: 0 })
      expect(driver.sent.some((line) => line.includes('web3'))).toBe(false)
    })

    test.each([
      ['a time for the next wave without waves', [...chosen, '--go-on', 'healthy', '--reason', 'r'], 'how many servers go'],
      ['nothing chosen', ['--reason', 'r'], 'Name the servers'],
      ['too many at once', [...chosen, '--waves', '201', '--reason', 'r'], 'at most 200'],
    ])('refuses %s', async (_, args, said) => {
      const { code, err } = await evenkeel('drain', ...args)
      expect([code, err]).toEqual([2, expect.stringContaining(said)])
    })
  })

  test('Ctrl-C while waiting leaves the drain in force, and says so', async () => {
    await imported()
    for (const nodeId of ['lb1', 'lb2']) {
      driver.readings.set(nodeId, haproxy([pool('app', [server('w1', { sessions: 1 }), server('w2')])]))
    }
    const { sent } = driver
    driver.sent.push = (...lines: string[]) => {
      interrupt()
      return Array.prototype.push.apply(sent, lines)
    }
    const { code, err } = await evenkeel('drain', 'w1', '--reason', 'disk', '--wait')
    expect(code).toBe(1)
    expect(err).toContain('stays in force')
    expect(driver.sent.some((line) => line.endsWith('ready'))).toBe(false)
  })
})

describe('host keys', () => {
  const blob = Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from('ssh-ed25519'), Buffer.alloc(36, 7)])
  const fingerprint = `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
  const unknown = () =>
    new AppError('ssh.host-key-unknown', 'The key of lb1 is not known.', {
      details: {
        host: 'lb1',
        port: 22,
        hop: 0,
        keyType: 'ssh-ed25519',
        fingerprint,
        key: blob.toString('base64'),
        expected: [],
      },
    })

  test('an unknown key is trusted by fingerprint, and only by the right one', async () => {
    await imported()
    sessions.break('lb1', unknown())
    expect(await evenkeel('trust', 'lb1', '--fingerprint', 'SHA256:other')).toMatchObject({ code: 4 })
    expect((await evenkeel('trust', 'lb1')).err).toContain('--fingerprint')
    sessions.reset = () => sessions.break('lb1', null)
    const { code, out } = await evenkeel('trust', 'lb1', '--fingerprint', fingerprint)
    expect({ code, out }).toEqual({ code: 0, out: `Trusted ${fingerprint} for lb1 port 22.` })
  })

  test('what was trusted is listed, and forgotten once agreed to or named by its fingerprint', async () => {
    await imported()
    const trust = async () => {
      sessions.break('lb1', unknown())
      sessions.reset = () => sessions.break('lb1', null)
      await evenkeel('trust', 'lb1', '--fingerprint', fingerprint)
    }
    await trust()
    expect((await evenkeel('keys')).out).toContain(fingerprint)
    expect(await evenkeel('forget-key', 'lb1:2222')).toMatchObject({ code: 2 })
    expect(await evenkeel('forget-key', 'lb1', '--fingerprint', 'SHA256:other')).toMatchObject({ code: 2 })
    expect((await evenkeel('forget-key', 'lb1')).err).toContain('--fingerprint')
    answers = ['no']
    expect(await evenkeel('forget-key', 'lb1')).toMatchObject({ code: 1 })
    expect(JSON.parse((await evenkeel('keys', '--json')).out)).toHaveLength(1)
    answers = ['yes']
    expect(await evenkeel('forget-key', 'lb1:22')).toMatchObject({ code: 0, out: `Forgot ${fingerprint} of lb1 port 22.` })
    await trust()
    expect(await evenkeel('forget-key', '[lb1]', '--fingerprint', fingerprint, '--json')).toMatchObject({ code: 0 })
    expect((await evenkeel('keys')).out).toBe('No host key was trusted here.')
  })

  test.each([
    ['lb1', 'lb1', null],
    ['lb1:2222', 'lb1', 2222],
    ['2001:db8::1', '2001:db8::1', null],
    ['[2001:db8::1]:2222', '2001:db8::1', 2222],
  ])('%s is the host %s and the port %s', (target, host, port) => {
    expect(hostAndPort(target)).toEqual({ host, port })
  })

  test('a changed key is never offered', async () => {
    await imported()
    answers = ['yes']
    sessions.break('lb1', new AppError('ssh.host-key-mismatch', 'The key of lb1 has changed.'))
    expect(await evenkeel('trust', 'lb1')).toMatchObject({ code: 4, err: 'evenkeel: The key of lb1 has changed.' })
    expect(answers).toEqual(['yes'])
  })
})

describe('the vault', () => {
  /** As `open`, with the cipher that a data folder has. */
  const vault = async (...args: string[]) => {
    cipher = undefined
    const { code, out, err } = await evenkeel('vault', ...args)
    return { code, said: out + err }
  }

  test('goes under a passphrase and back, typed twice or read from a private file', { timeout: 30_000 }, async () => {
    expect(await vault('status')).toEqual({ code: 0, said: 'Secrets are kept under a key file in the data folder.' })
    answers = ['battery staple', 'battery stable']
    expect(await vault('set-passphrase')).toMatchObject({ code: 2, said: expect.stringContaining('two different') as string })
    answers = ['short', 'short']
    expect(await vault('set-passphrase')).toMatchObject({ code: 2, said: expect.stringContaining('8 characters') as string })
    expect((await vault('set-passphrase')).said).toContain('--new-passphrase-file')
    answers = ['battery staple', 'battery staple']
    expect(await vault('set-passphrase')).toMatchObject({ code: 0 })
    expect((await vault('status')).said).toContain('under a passphrase')

    const file = join(folder, 'passphrase')
    await writeFile(file, 'correct horse\n', { mode: 0o644 })
    answers = ['battery staple']
    expect((await vault('set-passphrase', '--new-passphrase-file', file)).said).toContain('chmod 600')
    await chmod(file, 0o600)
    answers = ['battery stable']
    expect(await vault('set-passphrase', '--new-passphrase-file', file)).toMatchObject({ code: 4 })
    answers = ['battery staple']
    expect(await vault('set-passphrase', '--new-passphrase-file', file)).toMatchObject({ code: 0 })
    process.env['EVENKEEL_PASSPHRASE_FILE'] = file
    try {
      expect(await vault('use-key-file')).toMatchObject({ code: 0 })
    } finally {
      delete process.env['EVENKEEL_PASSPHRASE_FILE']
    }
    expect((await vault('status')).said).toContain('key file')
  })
})

describe('bad usage ends with 2', () => {
  test.each([
    ['an unknown command', ['bogus']],
    ['no command', ['drain']],
    ['a drain without a reason', ['drain', 'w1']],
    ['a time that is none', ['drain', 'w1', '--deadline', 'soon']],
    ['an unknown state', ['servers', '--state', 'fine']],
    ['an unknown job', ['undo', 'nosuch']],
    ['a file that is not there', ['inventory', 'import', '/nowhere/fleet.yaml']],
    ['a number that is none', ['jobs', '--limit', 'many']],
  ])('%s', async (_what, args) => {
    expect((await evenkeel(...args)).code).toBe(2)
  })

  test('with --json the error is for machines', async () => {
    const { err } = await evenkeel('undo', 'nosuch', '--json')
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'job.not-found', effect: 'none' } })
  })

  test('help is no error', async () => {
    const { code, out } = await evenkeel('--help')
    expect(code).toBe(0)
    expect(out).toContain('Usage: evenkeel')
  })
})

describe('configuration files, without any node', () => {
  const written = async (name: string, bytes: string): Promise<string> => {
    const path = join(folder, name)
    await writeFile(path, bytes, 'latin1')
    return path
  }

  test('a file is written back byte for byte, whatever its encoding', async () => {
    const bytes = 'backend \xe9t\xe9 # \xff\r\n\tserver a 10.0.0.1:80\x00'
    const file = await written('x.cfg', bytes)
    expect(await evenkeel('config', 'parse', file, '--kind', 'haproxy', '--print')).toEqual({ code: 0, out: bytes, err: '' })
  })

  test('its tree and what it means are printed, without the password', async () => {
    const file = await written(
      'k.conf',
      'vrrp_instance V {\n virtual_router_id 7\n authentication {\n auth_pass s3cret\n }\n}\n',
    )
    const { code, out } = await evenkeel('config', 'parse', file, '--json')
    expect(code).toBe(0)
    expect(out).not.toContain('s3cret')
    expect(JSON.parse(out)).toMatchObject({
      kind: 'keepalived',
      directives: [{ words: ['vrrp_instance', 'V'], line: 1 }],
      outline: { virtualRouters: [{ name: 'V', vrid: 7, line: 1 }] },
      problems: [],
    })
  })

  test('a setting is changed and every other byte stays; with --write in the file itself', async () => {
    const bytes = 'backend \xe9\r\n  server a 10.0.0.1:80 check # \xff\r\n'
    const file = await written('set.cfg', bytes)
    const set = (...words: string[]) => evenkeel('config', 'set', file, '--kind', 'haproxy', '--server', '\xe9/a', ...words)
    expect(await set('weight=3', 'check=off')).toEqual({ code: 0, out: bytes.replace('80 check', '80 weight 3'), err: '' })
    const told = await set('backup', '--write')
    expect(told).toMatchObject({ code: 0, err: '' })
    expect(told.out).toContain('backup: no → yes')
    expect(await readFile(file, 'latin1')).toBe(bytes.replace('check', 'check backup'))
    expect(await set('weight=')).toMatchObject({ code: 0, out: bytes.replace('check', 'check backup') })
    expect(await set('--remove')).toMatchObject({ code: 0, out: 'backend \xe9\r\n' })
    expect(await set('address=日本')).toMatchObject({ code: 2 })
    expect(await set('wieght=3')).toMatchObject({ code: 2, err: expect.stringContaining('no option "wieght"') as string })
    expect(await set()).toMatchObject({ code: 2 })
  })

  test('a virtual router is changed by its name', async () => {
    const file = await written('r.conf', 'vrrp_instance V {\n  priority 5\n  virtual_ipaddress {\n    10.0.0.1\n  }\n}\n')
    const { code, out } = await evenkeel('config', 'set', file, '--router', 'V', 'priority=9', '--add', '10.0.0.2/24')
    expect({ code, out }).toEqual({
      code: 0,
      out: 'vrrp_instance V {\n  priority 9\n  virtual_ipaddress {\n    10.0.0.1\n    10.0.0.2/24\n  }\n}\n',
    })
    expect(await evenkeel('config', 'set', file, '--router', 'V', 'interface=eth1')).toMatchObject({ code: 2 })
  })

  test('findings name file, line, column and rule, and an error ends with 1', async () => {
    const file = await written('n.conf', 'http {\n  upstream a { ip_hash;\n server 10.0.0.1; server 10.0.0.2 backup; }\n}\n')
    const { code, out } = await evenkeel('lint', file)
    expect(code).toBe(1)
    expect(out).toContain(`${file}:3:19: error: "ip_hash" does not support "backup" for 10.0.0.2 [nginx/backup-with-hash]`)
    expect((await evenkeel('lint', await written('ok.conf', 'http {\n}\n'))).code).toBe(0)
  })

  test('a file that is not there, or could be anything, is told', async () => {
    expect(await evenkeel('lint', join(folder, 'none'))).toMatchObject({
      code: 2,
      err: expect.stringContaining('could not be read') as string,
    })
    expect(await evenkeel('lint', await written('x', 'hello\n'))).toMatchObject({
      code: 2,
      err: expect.stringContaining('give --kind') as string,
    })
  })
})
