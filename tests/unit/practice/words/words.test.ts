import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectionFilter, parseConnections } from '../../../../src-main/domain/nginx/parse-ss.ts'
import { parseIpAddr } from '../../../../src-main/domain/keepalived/parse-ip-addr.ts'
import { type PracticeNode, startPracticeNode } from '../ssh/practice-node.ts'

let node: PracticeNode
beforeAll(async () => {
  node = await startPracticeNode()
})
afterAll(() => node.close())

const run = async (argv: readonly [string, ...string[]], options: { uid?: number; stdin?: string } = {}) => {
  const { code, stdout, stderr } = await node.machine.run(argv, options)
  return { code, stdout: stdout.toString(), stderr }
}
const shell = (text: string, uid = 0) => run(['sh', '-c', text], { uid })

describe('what a word does not know', () => {
  // the same words and the same exit code as the real program of Debian 12
  it.each<[string, ...string[]]>([
    ['cat', '--nope'],
    ['cat', '/no/such/file'],
    ['rm'],
    ['rm', '-q', 'x'],
    ['rm', '/no/such/file'],
    ['mkdir', '/no/such/folder'],
    ['stat', '-c', '%s', '/no/such/file'],
    ['env', '-Q'],
    ['env', 'no-such-program'],
    ['timeout', '1'],
    ['timeout', '1', 'no-such-program'],
    ['sleep'],
    ['ls', '/no/such/file'],
    ['tr'],
    ['tr', 'a'],
    ['cut', 'x'],
    ['head', '-n', 'x'],
    ['pgrep'],
    ['ip', 'nope'],
    ['ip', 'addr', 'show', 'dev', 'nope'],
    ['curl'],
  ])('is refused as by the real one: %s %s %s %s', async (...argv) => {
    const real = spawnSync(argv[0], argv.slice(1), {
      input: '',
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' },
    })
    const practice = await run(argv)
    const plain = (text: string) => text.replace(/[‘’]/g, "'")
    expect({ ...practice, stderr: plain(practice.stderr) }).toEqual({
      code: real.status,
      stdout: real.stdout,
      stderr: plain(real.stderr),
    })
  })

  it('is never a silent success', async () => {
    for (const argv of [
      ['systemctl', 'status'],
      ['ss', '-Z'],
      ['ip', '-6', 'addr'],
      ['ps', '-Z'],
      ['uname', '-q'],
      ['sudo', '-Z', 'id'],
    ] as const) {
      const { code, stderr } = await run([...argv])
      expect(code, argv.join(' ')).not.toBe(0)
      expect(stderr, argv.join(' ')).not.toBe('')
    }
  })
})

describe('the network’s words', () => {
  it('shows, adds and removes addresses', async () => {
    const own = node.machine.network.addresses()[0]
    const kernel = parseIpAddr((await run(['ip', '-j', 'addr'])).stdout)
    expect(kernel?.addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`)).toEqual([
      '127.0.0.1/8',
      `${own?.address ?? ''}/${own?.prefixLength ?? 0}`,
    ])
    const vip = (own?.address ?? '').replace(/\d+$/, '200')
    expect(await run(['ip', 'addr', 'add', `${vip}/32`, 'dev', 'eth0'], { uid: 1000 })).toMatchObject({
      code: 2,
      stderr: 'RTNETLINK answers: Operation not permitted\n',
    })
    expect(await run(['ip', 'addr', 'add', `${vip}/32`, 'dev', 'eth0'])).toMatchObject({ code: 0 })
    expect(await run(['ip', 'addr', 'add', `${vip}/32`, 'dev', 'eth0'])).toMatchObject({
      code: 2,
      stderr: 'RTNETLINK answers: File exists\n',
    })
    expect((await run(['arping', '-q', '-U', '-c', '2', '-w', '2', '-I', 'eth0', '-s', vip, vip])).code).toBe(0)
    expect((await run(['arping', '-U', '-I', 'eth0', '198.18.0.1'])).code).toBe(2)
    expect((await run(['ip', 'addr', 'show', 'dev', 'eth0'])).stdout).toContain(`inet ${vip}/32 scope global eth0`)
    expect(await run(['ip', 'addr', 'del', `${vip}/32`, 'dev', 'eth0'])).toMatchObject({ code: 0 })
    expect((await run(['ip', 'addr', 'del', `${vip}/32`, 'dev', 'eth0'])).code).toBe(2)
  })

  it('fetches a page of the practice network, and lists the connection', async () => {
    const { machine } = node
    const address = machine.network.addresses()[0]?.address ?? ''
    const web = machine.processes.spawn({ argv: ['web'], exe: '/usr/sbin/web' })
    let seen = ''
    machine.network.listen({ address: '*', port: 8080, pid: web.pid }, ({ socket }) => {
      socket.on('error', () => undefined)
      socket.once('data', async (head: Buffer) => {
        const status = head.toString().startsWith('GET /missing') ? '404 Not Found' : '200 OK'
        const filter = connectionFilter([{ address, port: 8080 }])
        seen = (await run(['ss', '-Htnp', 'state', 'established', '-F', '-'], { stdin: filter })).stdout
        socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello`)
      })
    })
    const url = `http://${address}:8080/`
    expect(
      await run([
        'curl',
        '-gsS',
        '-m',
        '1',
        '--noproxy',
        '*',
        '--proto',
        '=http,https',
        '--max-filesize',
        '65536',
        '--url',
        url,
      ]),
    ).toEqual({ code: 0, stdout: 'hello', stderr: '' })
    expect(parseConnections(seen).map(({ peerAddress, peerPort }) => `${peerAddress}:${peerPort}`)).toContain(`${address}:8080`)
    expect(await run(['curl', '-sSf', `${url}missing`])).toMatchObject({
      code: 22,
      stderr: 'curl: (22) The requested URL returned error: 404\n',
    })
    expect((await run(['curl', '-sS', `http://${address}:8081/`])).code).toBe(7)
    expect((await run(['ss', '-Hltnp'])).stdout).toContain(':8080')
  })
})

describe('mount namespaces', () => {
  it('put files over others for one command, and nobody else sees it', async () => {
    const { files } = node.machine
    files.makeDirectory('/etc/site/part', { parents: true })
    files.write('/etc/site/one', 'live\n')
    files.write('/etc/site/part/two', 'live\n')
    const inside = `
      mkdir /tmp/stage; mount --make-rprivate / && mount -t tmpfs -o mode=700 tmpfs /tmp/stage || exit 3
      head -c 4 >/tmp/stage/1; head -c 4 >/tmp/stage/2
      mount --bind /tmp/stage/1 /etc/site/one || exit 3
      cp -a /etc/site/part /tmp/stage/folder && mv /tmp/stage/2 /tmp/stage/folder/new && mount --bind /tmp/stage/folder /etc/site/part
      cat /etc/site/one /etc/site/part/*; ls /tmp/stage; exec cat /etc/../etc/site/one`
    const { stdout, stderr } = await run(['unshare', '-m', 'sh', '-c', inside], { stdin: 'one\nnew\n' })
    expect({ stdout, stderr }).toEqual({ stdout: 'one\nnew\nlive\n1\nfolder\none\n', stderr: '' })
    expect((await shell('cat /etc/site/one; ls /etc/site/part; rmdir /tmp/stage')).stdout).toBe('live\ntwo\n')
  })

  it('are root’s, and nothing is mounted outside of them', async () => {
    expect(await shell('unshare -m true', 1000)).toMatchObject({
      code: 1,
      stderr: 'unshare: unshare failed: Operation not permitted\n',
    })
    expect((await shell('mount --bind /etc/hosts /etc/hostname')).code).toBe(32)
    expect((await shell('unshare -m mount --bind /nope /etc/hosts')).stderr).toMatch(
      /^mount: \/etc\/hosts: special device \/nope does not/,
    )
    expect((await shell('unshare -m mount -t nfs x /etc')).code).toBe(32)
  })
})

describe('the words for files and accounts', () => {
  it('keeps to the rights of the account', async () => {
    expect(await shell('echo x > /etc/passwd', 1000)).toMatchObject({
      code: 2,
      stderr: 'sh: 1: cannot create /etc/passwd: Permission denied\n',
    })
    expect((await shell('rm /etc/passwd; chmod 777 /etc/passwd; ln -s /x /etc/y; mkdir /etc/z', 1000)).code).not.toBe(0)
    expect(node.machine.files.stat('/etc/passwd').mode).toBe(0o644)
    expect((await shell('id; id -un', 1000)).stdout).toBe('uid=1000(ops) gid=1000(ops) groups=1000(ops)\nops\n')
    expect((await shell('sudo -n id -un', 1000)).stdout).toBe('root\n')
  })

  it('replaces a file by way of another one, as a console without sftp does', async () => {
    node.machine.files.write('/etc/x.cfg', 'old', { mode: 0o640 })
    const { code } = await run(
      [
        'sh',
        '-c',
        'umask 077; cat > "$1.tmp" && chmod 640 "$1.tmp" && mv -f "$1.tmp" "$1" && stat -c "%a %U %s" "$1"',
        'sh',
        '/etc/x.cfg',
      ],
      { stdin: 'new text' },
    )
    expect(code).toBe(0)
    expect(node.machine.files.read('/etc/x.cfg').toString()).toBe('new text')
    expect(node.machine.files.stat('/etc/x.cfg').mode).toBe(0o640)
  })

  it('runs a script file, and refuses one without the x bit', async () => {
    node.machine.files.write('/tmp/run.sh', '#!/bin/sh\necho "$0 $1"\n', { mode: 0o755 })
    expect((await shell('/tmp/run.sh a')).stdout).toBe('/tmp/run.sh a\n')
    node.machine.files.setMode('/tmp/run.sh', 0o644)
    expect(await shell('/tmp/run.sh a')).toMatchObject({ code: 126, stderr: 'sh: 1: /tmp/run.sh: Permission denied\n' })
  })
})
