import { once } from 'node:events'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PassThrough, type Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { NodeSession } from '../../../../src-main/app/ports/node-session.ts'
import { limits, passwordConsole, sessionOf, small } from '../ssh-console.ts'
import { startServer, type TestServer, type TestServerOptions } from '../ssh-server.ts'

let dir: string
const cleanUps: (() => unknown)[] = []
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'evenkeel-session-'))
  cleanUps.push(() => rmSync(dir, { recursive: true }))
})
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function open(options: TestServerOptions = {}): Promise<{ server: TestServer; session: NodeSession }> {
  const server = await startServer(options)
  cleanUps.push(() => server.close())
  const pool = passwordConsole(server)
  cleanUps.push(() => pool.close())
  return { server, session: await sessionOf(pool) }
}

/** A directory of programs that comes first in the node's PATH. */
function programs(scripts: Record<string, string>): NodeJS.ProcessEnv {
  const bin = path.join(dir, 'bin')
  mkdirSync(bin)
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`)
    chmodSync(path.join(bin, name), 0o755)
  }
  return { PATH: `${bin}:${process.env['PATH'] ?? ''}` }
}

describe('exec', () => {
  it('gives back output, code and stderr; a non-zero exit is a result', async () => {
    const { session } = await open()
    const result = await session.exec(['sh', '-c', 'echo out; echo err >&2; exit 3'], small)
    expect(result).toEqual({ code: 3, signal: null, stdout: Buffer.from('out\n'), stderr: 'err\n', truncated: false })
  })

  it('passes every word through unchanged', async () => {
    const { session } = await open()
    const words = fc.array(fc.string({ unit: fc.constantFrom(...`;|&$\`'"\\ \n\t*?(){}<>#!~=%-aé`) }), {
      minLength: 1,
      maxLength: 5,
    })
    await fc.assert(
      fc.asyncProperty(words, async (args) => {
        const { stdout } = await session.exec(['printf', '%s\\0', ...args], small)
        expect(stdout.toString().split('\0').slice(0, -1)).toEqual(args)
      }),
      { numRuns: 40 },
    )
  })

  it('tells a signal from an exit code', async () => {
    const { session } = await open()
    expect(await session.exec(['sh', '-c', 'kill -KILL $$'], small)).toMatchObject({ code: null, signal: 'KILL' })
  })

  it('feeds stdin and ends it', async () => {
    const { session } = await open()
    const big = Buffer.alloc(3 * 1024 * 1024, 'x')
    const { stdout } = await session.exec(['wc', '-c'], { ...small, stdin: big })
    expect(Number(stdout.toString())).toBe(big.length)
    expect((await session.exec(['cat'], small)).stdout).toHaveLength(0)
  })

  it('speaks with a command as it runs', async () => {
    const { session } = await open()
    const stdin = new PassThrough()
    const answers: string[] = []
    const onOutput = (chunk: Buffer): void => {
      answers.push(chunk.toString())
      if (answers.length === 1) stdin.write('two\n')
      else stdin.end()
    }
    stdin.write('one\n')
    const result = await session.exec(['sh', '-c', 'while read -r word; do echo "$word?"; done; exit 5'], {
      ...limits,
      maxBytes: 0,
      stdin,
      onOutput,
    })
    expect(answers).toEqual(['one?\n', 'two?\n'])
    expect(result).toMatchObject({ code: 5, truncated: false, stdout: Buffer.alloc(0) })
  })

  it('keeps to maxBytes and says so, and still learns the exit code', async () => {
    const { session } = await open()
    const cut = await session.exec(['sh', '-c', 'head -c 5000000 /dev/zero; exit 4'], { ...limits, maxBytes: 1000 })
    expect([cut.stdout.length, cut.truncated, cut.code]).toEqual([1000, true, 4])
    const exact = await session.exec(['head', '-c', '1000', '/dev/zero'], { ...limits, maxBytes: 1000 })
    expect([exact.stdout.length, exact.truncated]).toEqual([1000, false])
  })

  it('drops what a chatty login shell prints first', async () => {
    const { session } = await open({ noise: 'Welcome!\n\x1eevenk' })
    expect((await session.exec(['echo', 'mine'], small)).stdout.toString()).toBe('mine\n')
  })

  it('runs under a time limit on the node, a little longer than its own', async () => {
    const { server, session } = await open()
    await session.exec(['true'], { ...small, timeoutMs: 2_500 })
    expect(server.commands.at(-1)).toContain('timeout -k 2 4 true')
  })

  it('does without where the node has no timeout', async () => {
    const { server, session } = await open({ env: programs({ timeout: 'exit 127' }) })
    await session.exec(['true'], small)
    expect(server.commands.at(-1)).not.toContain('timeout')
  })

  it('ends with ssh.timeout, effect unknown, for the command was sent', async () => {
    const { session } = await open()
    await expect(session.exec(['sleep', '30'], { ...small, timeoutMs: 100 })).rejects.toMatchObject({
      code: 'ssh.timeout',
      effect: 'unknown',
      message: expect.stringContaining('"sleep" on ops@127.0.0.1'),
    })
    expect((await session.exec(['echo', 'still here'], small)).code).toBe(0)
  })

  it('is cancelled by its caller; before it was sent nothing can have happened', async () => {
    const { session } = await open()
    const controller = new AbortController()
    const running = session.exec(['sleep', '30'], { ...small, signal: controller.signal })
    setImmediate(() => controller.abort())
    await expect(running).rejects.toMatchObject({ code: 'request.cancelled', effect: 'unknown' })
    await expect(session.exec(['true'], { ...small, signal: controller.signal })).rejects.toMatchObject({
      code: 'request.cancelled',
      effect: 'none',
    })
  })

  it('says that the connection was lost, effect unknown', async () => {
    const { server, session } = await open()
    const running = session.exec(['sleep', '30'], small)
    setTimeout(() => server.sockets[0]?.destroy(), 50)
    await expect(running).rejects.toMatchObject({ code: 'ssh.connection-lost', effect: 'unknown' })
    await expect(session.exec(['true'], small)).rejects.toMatchObject({ code: 'ssh.connection-lost', effect: 'none' })
  })

  it('does not take a channel closed without an exit status for an answer', async () => {
    const { session } = await open({
      intercept: (command, channel) => {
        if (!command.includes('vanish')) return false
        channel.write('\x1eevenkeel\x1e partial')
        channel.close()
        return true
      },
    })
    await expect(session.exec(['vanish'], small)).rejects.toMatchObject({ code: 'ssh.connection-lost', effect: 'unknown' })
  })

  it('runs at most eight at once and the rest in turn', async () => {
    const { server, session } = await open()
    const codes = await Promise.all(Array.from({ length: 20 }, (_, n) => session.exec(['sh', '-c', `exit ${n}`], small)))
    expect(codes.map((result) => result.code)).toEqual(Array.from({ length: 20 }, (_, n) => n))
    expect(server.peakSessions).toBeLessThanOrEqual(8)
    expect(server.peakSessions).toBeGreaterThan(1)
  })

  it('learns that a server allows fewer channels', async () => {
    const { server, session } = await open({ maxSessions: 2 })
    const results = await Promise.all(Array.from({ length: 12 }, () => session.exec(['sleep', '0.02'], small)))
    expect(results.every((result) => result.code === 0)).toBe(true)
    expect(server.peakSessions).toBe(2)
  })

  it('gives up on a server that opens no channel', async () => {
    const server = await startServer({ maxSessions: 0 })
    cleanUps.push(() => server.close())
    const pool = passwordConsole(server)
    cleanUps.push(() => pool.close())
    await expect(sessionOf(pool)).rejects.toMatchObject({ code: 'ssh.channel-refused', effect: 'none' })
  })

  it('says that an account cannot run commands', async () => {
    const server = await startServer({
      intercept: (_command, channel) => {
        channel.write('This account is currently not available.\n')
        channel.exit(1)
        channel.end()
        return true
      },
    })
    cleanUps.push(() => server.close())
    const pool = passwordConsole(server)
    cleanUps.push(() => pool.close())
    await expect(sessionOf(pool)).rejects.toMatchObject({
      code: 'exec.failed',
      message: expect.stringContaining('This account is currently not available.'),
    })
  })
})

describe('sudo', () => {
  /** `sudo` that allows what `rules` (a shell case pattern over "$*") says, and an account that is not root. */
  const withSudo = (rules: string, refusal = 'sudo: a password is required') =>
    open({
      env: programs({
        id: 'if [ "$1" = -u ]; then echo 1000; else echo ops; fi',
        sudo: `shift; list=; if [ "$1" = -l ]; then list=1; shift; fi
case "$*" in ${rules}) if [ "$list" ]; then echo "$1"; else exec "$@"; fi ;;
*) echo 'sudo: unable to resolve host lb1' >&2; echo '${refusal}' >&2; exit 1 ;; esac`,
      }),
    })
  const privileged = { ...small, privileged: true }

  it('is used only where it is asked for, with exactly the words of the rule', async () => {
    const { server, session } = await withSudo('"echo hello"')
    await session.exec(['echo', 'hello'], small)
    expect(server.commands.at(-1)).not.toContain('sudo')
    expect((await session.exec(['echo', 'hello'], privileged)).stdout.toString()).toBe('hello\n')
    expect(server.commands.at(-1)).toMatch(/timeout -k 2 11 sudo -n echo hello$/)
  })

  it('has the time limit inside where everything is allowed', async () => {
    const { server, session } = await withSudo('*')
    await Promise.all([session.exec(['true'], privileged), session.exec(['true'], privileged)])
    expect(server.commands.at(-1)).toMatch(/sudo -n timeout -k 2 11 true$/)
    expect(server.commands.filter((command) => command.includes('-n -l'))).toHaveLength(1)
  })

  it("tells a refusal from the command's own exit code 1", async () => {
    const { session } = await withSudo(`"sh -c echo 'sudo: mine' >&2; exit 1"`)
    const own = await session.exec(['sh', '-c', "echo 'sudo: mine' >&2; exit 1"], privileged)
    expect(own).toMatchObject({ code: 1, stderr: 'sudo: mine\n' })
    await expect(session.exec(['sh', '-c', 'nginx -t, really'], privileged)).rejects.toMatchObject({
      code: 'exec.not-permitted',
      effect: 'none',
      details: { sudoersLine: expect.stringMatching(/^ops ALL=\(root\) NOPASSWD: \/\S*\/sh -c nginx\\ -t\\,\\ really$/) },
    })
  })

  it('knows the words for a command that no rule has', async () => {
    const { session } = await withSudo('nothing', 'Sorry, user ops is not allowed to execute this.')
    await expect(session.exec(['true'], privileged)).rejects.toMatchObject({ code: 'exec.not-permitted' })
  })

  it('says that there is no such program', async () => {
    const { session } = await withSudo('nothing', 'sudo: nope: command not found')
    await expect(session.exec(['nope'], privileged)).rejects.toMatchObject({ code: 'exec.not-found' })
  })
})

describe('readFile', () => {
  it('reads bytes and their hash', async () => {
    const { session } = await open()
    const file = path.join(dir, "it's a; file")
    const bytes = Buffer.from(Array.from({ length: 1024 }, (_, n) => n % 256))
    writeFileSync(file, bytes)
    expect(await session.readFile(file, small)).toEqual({
      bytes,
      sha256: '785b0751fc2c53dc14a4ce3d800e69ef9ce1009eb327ccf458afe09c242c26c9',
    })
  })

  it.each([
    ['missing', 'exec.not-found'],
    ['', 'exec.failed'],
  ])('%j is %s', async (name, code) => {
    const { session } = await open()
    await expect(session.readFile(path.join(dir, name), small)).rejects.toMatchObject({ code, effect: 'none' })
  })

  it('uses sudo only for a file that the account may not read', async () => {
    const cat = `case "$READ_AS" in root) exec /bin/cat "$@" ;; esac
case "$1" in *secret) echo "cat: $1: Permission denied" >&2; exit 1 ;; *) exec /bin/cat "$@" ;; esac`
    const { server, session } = await open({
      env: programs({
        id: 'if [ "$1" = -u ]; then echo 1000; else echo ops; fi',
        sudo: 'shift; [ "$1" = -l ] && exit 1; READ_AS=root exec "$@"',
        cat,
      }),
    })
    writeFileSync(path.join(dir, 'open'), 'open')
    writeFileSync(path.join(dir, 'secret'), 'secret')
    const read = async (name: string, privileged: boolean): Promise<string> =>
      (await session.readFile(path.join(dir, name), { ...small, privileged })).bytes.toString()
    expect(await read('open', true)).toBe('open')
    expect(server.commands.filter((command) => command.includes('sudo'))).toEqual([])
    await expect(read('secret', false)).rejects.toMatchObject({ code: 'exec.not-permitted' })
    expect(await read('secret', true)).toBe('secret')
  })

  it('does not give half a file, and wants a whole path', async () => {
    const { session } = await open()
    writeFileSync(path.join(dir, 'big'), 'x'.repeat(2000))
    await expect(session.readFile(path.join(dir, 'big'), { ...limits, maxBytes: 1999 })).rejects.toMatchObject({
      code: 'exec.output-truncated',
    })
    await expect(session.readFile('-n', small)).rejects.toMatchObject({ code: 'request.invalid' })
  })
})

describe('openSocket', () => {
  /** Answers every line with `echo …` and ends its side when the other has ended. */
  let stopDaemon: () => Promise<void> = () => Promise.resolve()
  async function daemon(): Promise<string> {
    const file = path.join(dir, 'daemon.sock')
    const sockets = new Set<Socket>()
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('data', (data) => socket.write(`echo ${data.toString()}`))
      socket.on('end', () => socket.end('bye\n'))
    })
    await new Promise<void>((resolve) => server.listen(file, resolve))
    stopDaemon = () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    }
    cleanUps.push(stopDaemon)
    return file
  }

  const ask = async (stream: Duplex, line: string): Promise<string> => {
    stream.end(line)
    return text(stream)
  }
  const closed = (stream: Duplex): Promise<void> => new Promise((resolve) => stream.once('close', () => resolve()))

  it('is a stream that half-closes, ends and closes like any other', async () => {
    const { server, session } = await open()
    const stream = await session.openSocket(await daemon(), limits)
    const end = closed(stream)
    expect(await ask(stream, 'show info\n')).toBe('echo show info\nbye\n')
    await end
    expect(server.commands).toHaveLength(1)
  })

  it('ends when the far side ends first, and closes when its own side is ended', async () => {
    const file = path.join(dir, 'once.sock')
    const listener = createServer({ allowHalfOpen: true }, (socket) => socket.end('one answer'))
    await new Promise<void>((resolve) => listener.listen(file, resolve))
    cleanUps.push(() => new Promise((resolve) => listener.close(resolve)))
    const { session } = await open()
    const stream = await session.openSocket(file, limits)
    expect(await text(stream)).toBe('one answer')
    expect(stream.closed).toBe(false)
    const end = closed(stream)
    stream.end()
    await end
  })

  it('carries more than any window', async () => {
    const { session } = await open()
    const stream = await session.openSocket(await daemon(), limits)
    const big = 'x'.repeat(5 * 1024 * 1024)
    expect((await ask(stream, big)).replaceAll('echo ', '')).toHaveLength(big.length + 'bye\n'.length)
  })

  it('breaks with the connection, effect unknown', async () => {
    const { server, session } = await open()
    const stream = await session.openSocket(await daemon(), limits)
    const broken = new Promise((resolve) => stream.once('error', resolve))
    server.sockets[0]?.destroy()
    expect(await broken).toMatchObject({ code: 'ssh.connection-lost', effect: 'unknown' })
  })

  const relays = ['perl', 'python3', 'socat'] as const
  it.for(relays)(
    'goes through %s where forwarding is forbidden (skipped where it is not installed)',
    async (program, { skip }) => {
      if (programPath(program) === null) skip(`${program} is not installed here`)
      const { server, session } = await open({ allowStreamLocal: false, env: only(program) })
      const file = await daemon()
      for (const line of ['first\n', 'second\n']) {
        const stream = await session.openSocket(file, limits)
        const end = closed(stream)
        expect(await ask(stream, line)).toBe(`echo ${line}bye\n`)
        await end
      }
      expect(server.commands.filter((command) => command.includes('daemon.sock'))).toHaveLength(2)
    },
  )

  it.skipIf(programPath('socat') === null)(
    'goes through sudo socat where that is all that sudo allows (skipped without socat)',
    async () => {
      const file = await daemon()
      const rule = `"socat - UNIX-CONNECT:${file}"`
      const { server, session } = await open({
        allowStreamLocal: false,
        env: programs({
          id: 'if [ "$1" = -u ]; then echo 1000; else echo ops; fi',
          sudo: `shift; list=; if [ "$1" = -l ]; then list=1; shift; fi
case "$*" in ${rule}) [ "$list" ] || exec "$@" ;; *) echo 'sudo: a password is required' >&2; exit 1 ;; esac`,
        }),
      })
      const privileged = { ...limits, privileged: true }
      for (const line of ['first\n', 'second\n']) {
        expect(await ask(await session.openSocket(file, privileged), line)).toBe(`echo ${line}bye\n`)
      }
      expect(server.commands.filter((command) => command.includes('sudo -n -l'))).toHaveLength(2) // asked for the first one only
      await expect(session.openSocket(`${file}.other`, privileged)).rejects.toMatchObject({
        code: 'exec.not-permitted',
        details: { sudoersLine: expect.stringContaining('/usr/bin/socat - UNIX-CONNECT\\:/') },
      })
      // the daemon is gone: socat says so by its exit code, after an end of output that would look like an empty answer
      await stopDaemon()
      const stream = await session.openSocket(file, privileged)
      await expect(text(stream)).rejects.toMatchObject({ code: 'exec.failed', effect: 'unknown' })
    },
  )

  it('tells apart what is wrong with a socket', async () => {
    const { session } = await open()
    const dead = path.join(dir, 'dead.sock')
    renameSync(await daemon(), dead) // a name nobody serves any more, once the daemon is stopped
    await stopDaemon()
    writeFileSync(path.join(dir, 'plain'), '')
    const failing = (file: string) => session.openSocket(path.join(dir, file), limits)
    await expect(failing('none')).rejects.toMatchObject({ code: 'exec.not-found', details: { reason: 'missing' } })
    await expect(failing('plain')).rejects.toMatchObject({ code: 'exec.failed', details: { reason: 'not-a-socket' } })
    await expect(failing('dead.sock')).rejects.toMatchObject({ code: 'exec.failed', details: { reason: 'not-listening' } })
  })

  it('says what to do when the node has no program for it', async () => {
    const { session } = await open({ allowStreamLocal: false, env: only() })
    await expect(session.openSocket(await daemon(), limits)).rejects.toMatchObject({
      code: 'ssh.channel-refused',
      details: { reason: 'no-relay' },
      message: expect.stringContaining('AllowStreamLocalForwarding'),
    })
  })

  /** A PATH with the ordinary small programs and, of the relay programs, only the one named. */
  function only(program?: string): NodeJS.ProcessEnv {
    const bin = path.join(dir, 'only')
    mkdirSync(bin)
    for (const name of ['sh', 'id', 'env', 'timeout', 'true', 'grep', ...(program === undefined ? [] : [program])]) {
      symlinkSync(programPath(name) ?? `${name} is missing`, path.join(bin, name))
    }
    return { PATH: bin }
  }
})

describe('openTcp', () => {
  async function listener(answer: (socket: Socket) => void): Promise<number> {
    const server = createServer(answer)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanUps.push(() => new Promise((resolve) => server.close(resolve)))
    return (server.address() as AddressInfo).port
  }

  it('is a connection that the node makes', async () => {
    const { session } = await open()
    const port = await listener((socket) => socket.end('hello'))
    const stream = await session.openTcp('127.0.0.1', port, limits)
    stream.end()
    expect(await text(stream)).toBe('hello')
  })

  it('is over when it is destroyed, whatever the other side still says', async () => {
    const { session } = await open()
    const port = await listener((socket) => void socket.on('error', () => undefined).write(Buffer.alloc(100_000)))
    // more than there are at a time
    for (let round = 0; round < 40; round += 1) {
      const stream = await session.openTcp('127.0.0.1', port, limits)
      if (round % 2 === 0) await once(stream, 'readable')
      stream.destroy()
    }
  })

  it('says that nobody listens there', async () => {
    const { session } = await open()
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    await expect(session.openTcp('127.0.0.1', port, limits)).rejects.toMatchObject({ code: 'exec.failed' })
  })
})

function programPath(name: string): string | null {
  const found = spawnSync('sh', ['-c', 'PATH=/usr/bin:/bin command -v "$1"', 'sh', name], { encoding: 'utf8' })
  return found.status === 0 ? found.stdout.trim() : null
}
