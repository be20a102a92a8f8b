import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import ssh2, { type Client, type SFTPWrapper } from 'ssh2'
import type { NodeSession } from '../../../../src-main/app/ports/node-session.ts'
import { probeNodeFacts } from '../../../../src-main/drivers/linux/node-facts.ts'
import { listProcesses } from '../../../../src-main/drivers/linux/processes.ts'
import { runRootScript } from '../../../../src-main/drivers/linux/run.ts'
import { newKeyPair } from '../../../../src-main/practice/ssh/host-key.ts'
import { limits, sessionOf, small } from '../../transport/ssh-console.ts'
import { type PracticeNode, startPracticeNode } from './practice-node.ts'

let node: PracticeNode
let ops: NodeSession

beforeAll(async () => {
  node = await startPracticeNode()
  ops = await sessionOf(await node.console('ops'))
})
afterAll(() => node.close())

const exec = async (argv: [string, ...string[]], options: object = {}) => {
  const { code, signal, stdout, stderr } = await ops.exec(argv, { ...small, ...options })
  return { code, signal, stdout: stdout.toString('latin1'), stderr }
}

async function plainClient(username: string): Promise<Client> {
  const client = new ssh2.Client()
  client.connect({ host: '127.0.0.1', port: node.port, username, privateKey: node.userKey.private })
  await once(client, 'ready')
  return client
}

describe('a practice machine, reached by the console', () => {
  it('says what it is', async () => {
    expect(await probeNodeFacts(ops, limits)).toEqual({
      hostName: 'lb1',
      os: 'Debian GNU/Linux 12 (bookworm)',
      user: 'ops',
      initSystem: 'other',
      sudo: 'available',
    })
  })

  it('lists its processes', async () => {
    const { machine } = node
    const daemon = machine.processes.spawn({ argv: ['/usr/sbin/haproxy', '-Ws'], exe: '/usr/sbin/haproxy' })
    const worker = machine.processes.spawn({
      argv: ['haproxy worker'],
      exe: '/usr/sbin/haproxy',
      parentPid: daemon.pid,
      uid: 101,
    })
    const found = await listProcesses(ops, ['haproxy'], limits)
    expect(found.map(({ pid, parentPid, isRoot }) => ({ pid, parentPid, isRoot }))).toEqual([
      { pid: daemon.pid, parentPid: 1, isRoot: true },
      { pid: worker.pid, parentPid: daemon.pid, isRoot: false },
    ])
    expect(found[0]?.cmdline).toContain('/usr/sbin/haproxy')
    daemon.exit(0)
    worker.exit(0)
  })

  it('passes names of any kind as they are', async () => {
    for (const name of ["a'b", '$(reboot)', 'a\nb', '-n', 'é\u{1F600}', '; rm -rf /', '']) {
      expect((await exec(['printf', '%s', name])).stdout).toBe(Buffer.from(name).toString('latin1'))
    }
    node.machine.files.write("/tmp/it's $x", 'kept')
    expect((await ops.readFile("/tmp/it's $x", small)).bytes.toString()).toBe('kept')
  })

  it('gives bytes back as bytes, and takes them by stdin', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
    expect((await ops.exec(['cat'], { ...small, stdin: bytes })).stdout).toEqual(bytes)
  })

  it('tells how a command ended', async () => {
    expect(await exec(['sh', '-c', 'exit 7'])).toMatchObject({ code: 7, signal: null })
    expect(await exec(['no-such-program'])).toMatchObject({ code: 127 })
    const running = exec(['sleep', '60'])
    await expect.poll(() => node.machine.processes.list().some(({ name }) => name === 'sleep')).toBe(true)
    for (const { pid, name } of node.machine.processes.list()) if (name === 'sleep') node.machine.processes.signal(pid, 'KILL')
    expect((await running).code).toBe(137)
  })

  it('becomes root by sudo, and only by its rules', async () => {
    expect((await exec(['id', '-u'], { privileged: true })).stdout).toBe('0\n')
    const { stdout } = await runRootScript(ops, 'id -u; printf "%s" "$1"', ["it's"], { ...small })
    expect(stdout.toString()).toBe("0\nit's")
    const { files } = node.machine
    const rules = files.read('/etc/sudoers.d/ops')
    files.write('/etc/sudoers.d/ops', 'ops ALL=(root) NOPASSWD: /usr/bin/id -u\n')
    // what sudo allows is asked once per connection
    const later = await sessionOf(await node.console('ops'))
    expect((await later.exec(['id', '-u'], { ...small, privileged: true })).stdout.toString()).toBe('0\n')
    await expect(later.exec(['id', '-g'], { ...small, privileged: true })).rejects.toMatchObject({ code: 'exec.not-permitted' })
    files.write('/etc/sudoers.d/ops', rules)
  })

  it('reads what only root may, with sudo', async () => {
    node.machine.files.write('/root/secret', 'x', { mode: 0o600 })
    await expect(ops.readFile('/root/secret', small)).rejects.toMatchObject({ code: 'exec.not-permitted' })
    expect((await ops.readFile('/root/secret', { ...small, privileged: true })).bytes.toString()).toBe('x')
    await expect(ops.readFile('/nothing', small)).rejects.toMatchObject({ code: 'exec.not-found' })
  })

  it('has files replaced as on a real node: whole, by who may, and not over what another hand wrote', async () => {
    const { files } = node.machine
    files.write('/etc/site.conf', 'old', { mode: 0o640 })
    const { sha256 } = await ops.readFile('/etc/site.conf', { ...small, privileged: true })
    const how = { ...limits, expectSha256: sha256, privileged: true }
    await ops.replaceFile('/etc/site.conf', Buffer.from('new'), how)
    expect((await ops.readFile('/etc/site.conf', { ...small, privileged: true })).bytes.toString()).toBe('new')
    expect(files.stat('/etc/site.conf').mode & 0o777).toBe(0o640)
    expect(files.list('/etc').filter((name) => name.includes('evenkeel'))).toEqual([])
    const again = ops.replaceFile('/etc/site.conf', Buffer.from('newer'), how)
    await expect(again).rejects.toMatchObject({ code: 'config.changed-on-node', effect: 'none' })
  })

  it('opens unix sockets with the rights of the account', async () => {
    const { sockets } = node.machine
    sockets.listen('/run/open.sock', { mode: 0o666 }, (stream) =>
      stream.on('data', (chunk) => stream.end(`got ${String(chunk)}`)),
    )
    sockets.listen('/run/closed.sock', { mode: 0o600 }, (stream) => stream.end())
    const stream = await ops.openSocket('/run/open.sock', limits)
    stream.write('hello')
    expect((await stream.toArray()).join('')).toBe('got hello')
    stream.end()
    await expect(ops.openSocket('/run/closed.sock', limits)).rejects.toMatchObject({ code: 'exec.not-permitted' })
    await expect(ops.openSocket('/run/missing.sock', limits)).rejects.toThrow()
  })

  it('ends a command that the console no longer wants, by its timeout', async () => {
    const cancel = new AbortController()
    const running = ops.exec(['sleep', '61'], { ...small, timeoutMs: 200, signal: cancel.signal })
    const sleeps = () => node.machine.processes.list().some(({ argv }) => argv.includes('61'))
    await expect.poll(sleeps).toBe(true)
    cancel.abort()
    await expect(running).rejects.toMatchObject({ code: 'request.cancelled' })
    await expect.poll(sleeps, { timeout: 4000 }).toBe(false)
  })

  it('passes a signal on to the command of an account that is not root', async () => {
    const client = await plainClient('ops')
    const ended = new Promise((resolve) => {
      client.exec('sleep 62', (_error, channel) => {
        channel.on('exit', (code: number | null, signal: string | null) => resolve([code, signal]))
        channel.resume()
        void expect
          .poll(() => node.machine.processes.list().some(({ name }) => name === 'sleep'), { timeout: 8000 })
          .toBe(true)
          .then(() => channel.signal('TERM'))
      })
    })
    expect(await ended).toEqual([null, 'SIGTERM'])
    client.end()
  })

  it('has an sftp that never replaces by renaming', async () => {
    const client = await plainClient('ops')
    const sftp = await new Promise<SFTPWrapper>((resolve, reject) =>
      client.sftp((error, wrapper) => (error ? reject(error) : resolve(wrapper))),
    )
    const call = <T>(work: (done: (error: Error | null | undefined, value?: T) => void) => void): Promise<T | undefined> =>
      new Promise((resolve, reject) => work((error, value) => (error ? reject(error) : resolve(value))))
    const bytes = Buffer.alloc(100_000, 'abc')
    await call((done) => sftp.writeFile('one', bytes, { mode: 0o640 }, done))
    await call((done) => sftp.writeFile('/home/ops/two', 'x', done))
    expect(await call<Buffer>((done) => sftp.readFile('/home/ops/one', done))).toEqual(bytes)
    expect(node.machine.files.stat('/home/ops/one')).toMatchObject({ size: 100_000, uid: 1000 })
    await expect(call((done) => sftp.rename('one', 'two', done))).rejects.toMatchObject({ code: 4 })
    await call((done) => sftp.unlink('two', done))
    await call((done) => sftp.rename('one', 'two', done))
    await call((done) => sftp.symlink('two', 'three', done))
    expect(await call<string>((done) => sftp.realpath('three', done))).toBe('/home/ops/two')
    expect((await call<{ filename: string }[]>((done) => sftp.readdir('.', done)))?.map(({ filename }) => filename)).toEqual(
      expect.arrayContaining(['two', 'three']),
    )
    await expect(call((done) => sftp.writeFile('/etc/passwd', 'x', done))).rejects.toMatchObject({ code: 3 })
    await expect(call((done) => sftp.stat('/nothing', done))).rejects.toMatchObject({ code: 2 })
    await expect(call((done) => sftp.chmod('/etc/passwd', 0o777, done))).rejects.toMatchObject({ code: 3 })
    client.end()
  })

  it('runs more at once than sshd allows sessions, in turns', async () => {
    const all = await Promise.all(Array.from({ length: 30 }, (_, index) => exec(['echo', String(index)])))
    expect(all.map(({ stdout }) => Number(stdout))).toEqual(Array.from({ length: 30 }, (_, index) => index))
  })

  it('refuses a key that is not the user’s', async () => {
    await expect(sessionOf(await node.console('ops', newKeyPair()))).rejects.toMatchObject({ code: 'ssh.auth-failed' })
  })

  it('reaches no TCP port of the computer behind it', async () => {
    const outside = createServer(() => undefined).listen(0, '127.0.0.1')
    await once(outside, 'listening')
    const { port } = outside.address() as { port: number }
    const client = await plainClient('ops')
    const opened = new Promise((resolve) => client.forwardOut('127.0.0.1', 0, '127.0.0.1', port, (error) => resolve(error)))
    expect(await opened).toBeInstanceOf(Error)
    client.end()
    outside.close()
  })
})

describe('faults of the login', () => {
  it('refuses logins, hangs, drops, and is well again', async () => {
    const { server } = node
    server.setFault('refuse-login')
    await expect(sessionOf(await node.console('ops'))).rejects.toMatchObject({ code: 'ssh.auth-failed' })
    server.setFault('hang')
    const pool = await node.console('root')
    await expect(pool.session('n1' as never, { ...limits, timeoutMs: 300 })).rejects.toThrow()
    server.setFault(null)
    const session = await sessionOf(await node.console('root'))
    const running = session.exec(['sleep', '60'], small)
    await expect.poll(() => node.machine.processes.list().some(({ name }) => name === 'sleep')).toBe(true)
    server.dropConnections()
    await expect(running).rejects.toMatchObject({ code: 'ssh.connection-lost', effect: 'unknown' })
  })
})
