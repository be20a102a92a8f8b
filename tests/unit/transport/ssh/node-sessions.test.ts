import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import ssh2, { type ParsedKey } from 'ssh2'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HostKeyDetails, type NodeId } from '#contract'
import { AppError } from '../../../../src-main/app/app-error.ts'
import type { NodeSessions } from '../../../../src-main/app/ports/node-session.ts'
import { fingerprintOf } from '../../../../src-main/transport/ssh/known-hosts.ts'
import { type ConsoleOptions, consoleFor, limits, node, passwordConsole, sessionOf, small } from '../ssh-console.ts'
import { newKey, startServer, type TestServer, type TestServerOptions } from '../ssh-server.ts'

const { AgentProtocol, utils } = ssh2
const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function serve(options: TestServerOptions = {}): Promise<TestServer> {
  const server = await startServer(options)
  cleanUps.push(() => server.close())
  return server
}

function pooled(pool: NodeSessions): NodeSessions {
  cleanUps.push(() => pool.close())
  return pool
}

async function failure(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof AppError)) throw new Error(`expected an AppError, got ${String(error)}`)
  return error
}

const connecting = (pool: NodeSessions): Promise<AppError> => failure(pooled(pool).session(node, limits))

describe('host keys', () => {
  it('rejects an unknown key before any login, with all that a dialog needs', async () => {
    const server = await serve()
    const error = await connecting(passwordConsole(server, { trusted: [] }))
    expect(error).toMatchObject({ code: 'ssh.host-key-unknown', effect: 'none' })
    expect(v.parse(HostKeyDetails, error.details)).toEqual({
      host: '127.0.0.1',
      port: server.port,
      hop: 0,
      keyType: 'ssh-ed25519',
      fingerprint: fingerprintOf(server.hostKey),
      key: server.hostKey.toString('base64'),
      expected: [],
    })
    expect(server.logins).toEqual([])
  })

  it('rejects a changed key and shows both fingerprints', async () => {
    const server = await serve()
    const old = newKey()
    const error = await connecting(
      passwordConsole(server, { trusted: [{ host: '127.0.0.1', port: server.port, key: old.blob }] }),
    )
    expect(error.code).toBe('ssh.host-key-mismatch')
    expect(error.message).toContain(fingerprintOf(server.hostKey))
    expect(error.message).toContain(fingerprintOf(old.blob))
    expect(error.details['expected']).toEqual([fingerprintOf(old.blob)])
    expect(server.logins).toEqual([])
  })

  it('a known host that now has only another type of key is a mismatch, not an unknown host', async () => {
    const server = await serve({ hostKey: newKey('ecdsa').private })
    const error = await connecting(
      passwordConsole(server, { trusted: [{ host: '127.0.0.1', port: server.port, key: newKey().blob }] }),
    )
    expect(error).toMatchObject({ code: 'ssh.host-key-mismatch', details: { keyType: 'ecdsa-sha2-nistp256' } })
  })

  it.each([
    ['@revoked *', 'ssh.host-key-revoked'],
    ['@cert-authority *', 'ssh.host-key-unsupported'],
  ])('%s is %s', async (marker, code) => {
    const server = await serve()
    const knownHosts = `${marker} ssh-ed25519 ${server.hostKey.toString('base64')}\n`
    const error = await connecting(passwordConsole(server, { trusted: [], knownHosts }))
    expect(error).toMatchObject({ code, message: expect.stringContaining('/known_hosts:1') })
    expect(server.logins).toEqual([])
  })

  it.each([
    ['a promise of false inside', async () => false],
    ['true', async () => true],
    ['undefined', async () => undefined],
    ['a refusal', async () => new AppError('ssh.host-key-unknown', 'no')],
    ['a throw', async () => Promise.reject(new Error('broken store'))],
  ])('a verdict that is not exactly "no objection" never connects: %s', async (_name, judge) => {
    const server = await serve()
    // what the policy port forbids by type, forced
    const hostKeys = { judge: judge as never, knownTypes: async () => [] }
    const error = await connecting(passwordConsole(server, { hostKeys }))
    expect(error.code).not.toBe('ssh.auth-failed')
    expect(server.logins).toEqual([])
  })

  it('is refused until reset, then connects when the key has been trusted', async () => {
    const server = await serve()
    const trusted: { host: string; port: number; key: Buffer }[] = []
    const pool = pooled(passwordConsole(server, { trusted }))
    await failure(sessionOf(pool))
    expect(pool.status(node).state).toBe('refused')
    trusted.push({ host: '127.0.0.1', port: server.port, key: server.hostKey })
    expect((await failure(sessionOf(pool))).code).toBe('ssh.host-key-unknown')
    pool.reset(node)
    await sessionOf(pool)
    expect(pool.status(node)).toMatchObject({ state: 'connected', error: null })
  })
})

describe('jump hosts', () => {
  const through = (jump: TestServer, target: TestServer, options: Partial<ConsoleOptions> = {}): NodeSessions => {
    return consoleFor(target, {
      target: { proxyJump: `jumper@127.0.0.1:${jump.port}`, auth: 'password' },
      password: 'secret',
      trusted: [jump, target].map((server) => ({ host: '127.0.0.1', port: server.port, key: server.hostKey })),
      home: keyDir,
      ...options,
    })
  }
  let keyDir: string
  beforeEach(() => {
    keyDir = mkdtempSync(path.join(tmpdir(), 'evenkeel-jump-'))
    cleanUps.push(() => rmSync(keyDir, { recursive: true }))
    mkdirSync(path.join(keyDir, '.ssh'))
    writeFileSync(path.join(keyDir, '.ssh', 'id_ed25519'), newKey().private)
  })

  it('reaches the node, and never shows the password to the jump host', async () => {
    const jump = await serve()
    const target = await serve({ authenticate: (context) => context.method === 'password' && context.password === 'secret' })
    const session = await sessionOf(pooled(through(jump, target)))
    expect((await session.exec(['echo', 'there'], small)).stdout.toString()).toBe('there\n')
    expect(jump.logins).not.toContain('password')
    expect(jump.logins).not.toContain('keyboard-interactive')
    expect(jump.commands).toEqual([])
    expect(session.traffic().received).toBeGreaterThan(0)
    expect(session.traffic().sent).toBeGreaterThan(0)
  })

  it('checks the key of the jump host', async () => {
    const [jump, target] = [await serve(), await serve()]
    const trusted = [
      { host: '127.0.0.1', port: jump.port, key: newKey().blob },
      { host: '127.0.0.1', port: target.port, key: target.hostKey },
    ]
    const error = await connecting(through(jump, target, { trusted }))
    expect(error).toMatchObject({ code: 'ssh.host-key-mismatch', details: { hop: 0, port: jump.port } })
    expect(error.message).toContain('jump host')
    expect(jump.logins).toEqual([])
    expect(target.connections).toEqual([])
  })

  it('checks the key of the node behind it', async () => {
    const [jump, target] = [await serve(), await serve()]
    const trusted = [{ host: '127.0.0.1', port: jump.port, key: jump.hostKey }]
    const error = await connecting(through(jump, target, { trusted }))
    expect(error).toMatchObject({ code: 'ssh.host-key-unknown', details: { hop: 1, port: target.port } })
    expect(target.logins).toEqual([])
  })

  it('says when the jump host does not forward', async () => {
    const [jump, target] = [await serve({ allowTcp: false }), await serve()]
    expect(await connecting(through(jump, target))).toMatchObject({
      code: 'node.unreachable',
      message: expect.stringContaining('jump host cannot reach'),
    })
  })

  it('notices when the jump host goes away', async () => {
    const [jump, target] = [await serve(), await serve()]
    const pool = pooled(through(jump, target))
    const session = await sessionOf(pool)
    const running = session.exec(['sleep', '30'], small)
    jump.sockets[0]?.destroy()
    expect(await failure(running)).toMatchObject({ code: 'ssh.connection-lost', effect: 'unknown' })
    expect(pool.status(node).state).toBe('waiting')
  })
})

describe('logins', () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'evenkeel-key-'))
    cleanUps.push(() => rmSync(dir, { recursive: true }))
  })
  const keyFile = (text: string): string => {
    const file = path.join(dir, 'id')
    writeFileSync(file, text)
    chmodSync(file, 0o600)
    return file
  }
  const accepting = (blob: Buffer) =>
    serve({
      authenticate: (context) => context.method === 'publickey' && context.key.data.equals(blob),
      methods: ['publickey'],
    })

  it.each(['ed25519', 'ecdsa'] as const)('a key file (%s)', async (type) => {
    const key = newKey(type)
    const server = await accepting(key.blob)
    await sessionOf(pooled(consoleFor(server, { target: { auth: 'key', identityFile: keyFile(key.private) } })))
  })

  it('an encrypted key file with its passphrase', async () => {
    const key = newKey('ed25519', 'open sesame')
    const server = await accepting(key.blob)
    const target = { identityFile: keyFile(key.private) }
    await sessionOf(pooled(consoleFor(server, { target, passphrase: 'open sesame' })))
  })

  it.each([
    [null, /is encrypted and no passphrase is stored/],
    ['wrong', /the stored passphrase does not open the key/],
  ])('an encrypted key file with passphrase %s is an answer, not a crash', async (passphrase, message) => {
    const key = newKey('ed25519', 'open sesame')
    const server = await accepting(key.blob)
    const pool = consoleFor(server, { target: { identityFile: keyFile(key.private) }, passphrase })
    expect(await connecting(pool)).toMatchObject({ code: 'ssh.auth-failed', message: expect.stringMatching(message) })
    expect(pool.status(node).state).toBe('refused')
  })

  it('a locked vault is told as such when a key needs it, and tried again later', async () => {
    const key = newKey('ed25519', 'open sesame')
    const server = await accepting(key.blob)
    const pool = consoleFor(server, {
      target: {},
      targets: {
        target: () => ({ host: '127.0.0.1', port: server.port, user: 'ops', identityFile: keyFile(key.private) }),
        secret: () => Promise.reject(new AppError('vault.locked', 'The vault is locked; unlock it.')),
      },
    })
    expect(await connecting(pool)).toMatchObject({ code: 'vault.locked' })
    expect(pool.status(node).state).toBe('waiting')
  })

  it('a locked vault is no obstacle to a login that needs nothing from it', async () => {
    const key = newKey()
    const server = await accepting(key.blob)
    const targets = {
      target: () => ({ host: '127.0.0.1', port: server.port, user: 'ops', identityFile: keyFile(key.private) }),
      secret: () => Promise.reject(new AppError('vault.locked', 'The vault is locked; unlock it.')),
    }
    await sessionOf(pooled(consoleFor(server, { target: {}, targets })))
  })

  it.each([
    ['a missing file', () => path.join(dir, 'none'), /cannot be read/],
    ['something that is no key', () => keyFile('hello'), /is not a private key/],
    ['a public key', () => keyFile(newKey().public), /is not a private key/],
  ])('%s is named', async (_name, file, message) => {
    const server = await serve({ authenticate: () => false, methods: ['publickey'] })
    const error = await connecting(consoleFor(server, { target: { auth: 'key', identityFile: file() } }))
    expect(error).toMatchObject({ code: 'ssh.auth-failed', message: expect.stringMatching(message) })
  })

  it('a password, and a dialogue where the server wants one', async () => {
    const plain = await serve({ authenticate: (context) => context.method === 'password' && context.password === 'secret' })
    await sessionOf(pooled(passwordConsole(plain)))
    const dialogue = await serve({
      methods: ['keyboard-interactive'],
      authenticate: (context) => {
        if (context.method !== 'keyboard-interactive') return false
        context.prompt([{ prompt: 'Password: ', echo: false }], (answers) =>
          answers?.[0] === 'secret' ? context.accept() : context.reject(),
        )
        return 'later'
      },
    })
    await sessionOf(pooled(passwordConsole(dialogue)))
    expect(dialogue.logins).toEqual(['password', 'keyboard-interactive'])
  })

  it('says what was tried and what the server offers', async () => {
    const server = await serve({ authenticate: () => false, methods: ['publickey', 'password'] })
    const error = await connecting(passwordConsole(server))
    expect(error.code).toBe('ssh.auth-failed')
    expect(error.message).toContain('tried password')
    expect(error.message).toContain('the server offers publickey, password')
    expect(error.message).not.toContain('secret')
    expect(JSON.stringify(error.toReply())).not.toContain('secret')
  })

  /** An agent in this process, speaking the real protocol on a real socket. */
  const agentWith = async (keys: { private: string }[]): Promise<string> => {
    const parsed = keys.map((key) => utils.parseKey(key.private) as ParsedKey)
    const file = path.join(dir, 'agent.sock')
    const server = createServer((socket) => {
      const agent = new AgentProtocol(false)
      socket.on('error', () => undefined)
      agent.on('identities', (request) => agent.getIdentitiesReply(request, parsed))
      agent.on('sign', (request, pubKey, data) => {
        const wanted = (utils.parseKey(pubKey) as ParsedKey).getPublicSSH()
        const key = parsed.find((each) => each.getPublicSSH().equals(wanted))
        if (key === undefined) agent.failureReply(request)
        else agent.signReply(request, key.sign(data))
      })
      agent.pipe(socket).pipe(agent)
    })
    await new Promise<void>((resolve) => server.listen(file, resolve))
    cleanUps.push(() => new Promise((resolve) => server.close(resolve)))
    return file
  }

  it('an agent, whose key named by IdentityFile comes first and, with IdentitiesOnly, alone', async () => {
    const [first, named, last] = [newKey(), newKey(), newKey()]
    const agent = await agentWith([first, named, last])
    const tried: Buffer[] = []
    const server = await serve({
      methods: ['publickey'],
      authenticate: (context) => {
        if (context.method === 'publickey' && context.signature === undefined) tried.push(context.key.data)
        return context.method === 'publickey' && context.key.data.equals(last.blob)
      },
    })
    const file = keyFile('only the public part is here')
    writeFileSync(`${file}.pub`, named.public)
    const target = { auth: 'agent', identityFile: file } as const
    await sessionOf(pooled(consoleFor(server, { target, env: { SSH_AUTH_SOCK: agent } })))
    expect(tried).toEqual([named.blob, first.blob, last.blob])

    tried.length = 0
    mkdirSync(path.join(dir, '.ssh'))
    writeFileSync(path.join(dir, '.ssh', 'config'), 'Host *\n  IdentitiesOnly yes\n')
    const strict = consoleFor(server, { target, env: { SSH_AUTH_SOCK: agent }, home: dir })
    expect((await connecting(strict)).message).toContain('tried agent (1 key)')
    expect(tried).toEqual([named.blob])
  })

  it('says that there is no agent, or that it does not answer', async () => {
    const server = await serve({ authenticate: () => false })
    expect((await connecting(consoleFor(server, { target: { auth: 'agent' } }))).message).toContain('no agent is running')
    const dead = consoleFor(server, { target: { auth: 'agent' }, env: { SSH_AUTH_SOCK: path.join(dir, 'dead') } })
    expect((await connecting(dead)).message).toContain('does not answer')
  })
})

describe('the pool', () => {
  it('shares one connection among those who ask at the same time', async () => {
    const server = await serve()
    const pool = pooled(passwordConsole(server))
    const sessions = await Promise.all(Array.from({ length: 10 }, () => sessionOf(pool)))
    expect(new Set(sessions).size).toBe(1)
    expect(server.connections).toHaveLength(1)
  })

  it('keeps to its number of handshakes at once', async () => {
    let [open, peak] = [0, 0]
    const waiting: (() => void)[] = []
    const server = await serve({
      authenticate: () => {
        open += 1
        peak = Math.max(peak, open)
        return true
      },
      intercept: (_command, channel) => {
        waiting.push(() => {
          open -= 1
          channel.write('\x1eevenkeel\x1e0\nroot\n')
          channel.exit(0)
          channel.end()
        })
        // the first commands are answered once as many dials as allowed have come this far
        setImmediate(() => waiting.length >= 2 && waiting.splice(0).forEach((answer) => answer()))
        return true
      },
    })
    const pool = pooled(
      passwordConsole(server, {
        maxParallelDials: 2,
        targets: {
          target: () => ({ host: '127.0.0.1', port: server.port, user: 'ops', auth: 'password' }),
          secret: async () => 'x',
        },
      }),
    )
    await Promise.all(Array.from({ length: 6 }, (_, index) => pool.session(`n${index}` as NodeId, limits)))
    expect(server.connections).toHaveLength(6)
    expect(peak).toBe(2)
  })

  it('knows no node that the inventory does not have', async () => {
    const pool = pooled(passwordConsole(await serve()))
    expect((await failure(pool.session('nobody' as NodeId, limits))).code).toBe('node.not-found')
  })

  it('says that nothing listens', async () => {
    const server = await serve()
    await server.close()
    expect(await connecting(passwordConsole(server))).toMatchObject({
      code: 'node.unreachable',
      message: expect.stringContaining('nothing listens on this port'),
    })
  })

  it('times out on a port that accepts and stays silent, and names the phase', async () => {
    const silent = await listen(() => undefined)
    const pool = pooled(passwordConsole(await serve(), { target: { auth: 'password', port: silent } }))
    const error = await failure(pool.session(node, { ...limits, timeoutMs: 100 }))
    expect(error).toMatchObject({ code: 'ssh.timeout', effect: 'none', message: expect.stringContaining('SSH handshake with') })
  })

  it('says that a port does not speak SSH', async () => {
    const http = await listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    expect(await connecting(passwordConsole(await serve(), { target: { auth: 'password', port: http } }))).toMatchObject({
      code: 'node.unreachable',
      message: expect.stringContaining('does not speak SSH'),
    })
  })

  it('cancels a dial', async () => {
    const silent = await listen(() => undefined)
    const pool = pooled(passwordConsole(await serve(), { target: { auth: 'password', port: silent } }))
    const controller = new AbortController()
    const asked = pool.session(node, { signal: controller.signal, timeoutMs: 10_000 })
    controller.abort()
    expect((await failure(asked)).code).toBe('request.cancelled')
    expect(pool.status(node).state).toBe('idle')
  })

  it('notices a black hole by keepalive', async () => {
    const server = await serve()
    const pool = pooled(passwordConsole(server, { keepalive: { intervalMs: 30, countMax: 1 } }))
    const session = await sessionOf(pool)
    const running = session.exec(['sleep', '30'], small)
    const lost = new Promise((resolve) => pool.onStatus((_id, status) => status.state === 'waiting' && resolve(status)))
    server.sockets[0]?.pause()
    expect(await failure(running)).toMatchObject({
      code: 'ssh.connection-lost',
      effect: 'unknown',
      message: expect.stringContaining('no longer answers'),
    })
    await lost
  })

  it('tells listeners every change, and a broken listener harms nobody', async () => {
    const pool = pooled(passwordConsole(await serve()))
    const states: string[] = []
    pool.onStatus(() => {
      throw new Error('broken')
    })
    const off = pool.onStatus((id, status) => states.push(`${id} ${status.state}`))
    await sessionOf(pool)
    await pool.drop(node)
    expect(states).toEqual(['n1 connecting', 'n1 connected', 'n1 idle'])
    off()
    await sessionOf(pool)
    expect(states).toHaveLength(3)
  })

  it('dials nobody after close', async () => {
    const server = await serve()
    const pool = passwordConsole(server)
    const session = await sessionOf(pool)
    await pool.close()
    expect((await failure(pool.session(node, limits))).code).toBe('request.cancelled')
    expect(await failure(session.exec(['true'], small))).toMatchObject({ code: 'ssh.connection-lost' })
  })
})

async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
  return (server.address() as { port: number }).port
}
