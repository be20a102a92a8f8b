import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as v from 'valibot'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { NodeId, type SshTarget } from '#contract'
import type { NodeSessions } from '../../src-main/app/ports/node-session.ts'
import { createHostKeyPolicy } from '../../src-main/transport/ssh/host-key-policy.ts'
import { createNodeSessions } from '../../src-main/transport/ssh/node-sessions.ts'
import { readTextIfPresent } from '../../src-main/transport/ssh/text-file.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'

const limits = { signal: new AbortController().signal, timeoutMs: 20_000 }
const small = { ...limits, maxBytes: 1024 * 1024 }

/** The transport against OpenSSH's own sshd and the real sudo. It changes nothing on the nodes. */
describeLab('SSH transport over real sshd', () => {
  let lab: Lab
  let home: string
  let pool: NodeSessions
  const targets = new Map<string, SshTarget>()

  beforeAll(async () => {
    lab = await ensureLab()
    home = mkdtempSync(path.join(tmpdir(), 'evenkeel-lab-home-'))
    mkdirSync(path.join(home, '.ssh'))
    copyFileSync(lab.userKey, path.join(home, '.ssh', 'id_ed25519'))
    for (const { id, management, user } of lab.topology.nodes) {
      targets.set(id, { host: management, user, knownHostsFile: lab.knownHosts, auth: 'key', proxyJump: 'none' })
    }
    pool = createNodeSessions({
      targets: { target: (id) => targets.get(id) ?? null, secret: async () => null },
      hostKeys: createHostKeyPolicy({ trusted: { list: () => [] }, knownHostsFiles: [], readFile: readTextIfPresent }),
      clock: { now: () => Date.now(), monotonic: () => performance.now(), sleep: () => Promise.reject(new Error('not used')) },
      log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
      home,
      env: {},
    })
  })
  afterAll(async () => {
    await pool.close()
    rmSync(home, { recursive: true })
  })

  const session = (id: string) => pool.session(v.parse(NodeId, id), limits)
  const ordinary = () => {
    const found = lab.topology.nodes.find((node) => node.user !== 'root')
    if (found === undefined) throw new Error('the lab has no node with an ordinary account')
    return found.id
  }

  it('knows every node by its key and runs commands on it', async () => {
    for (const node of lab.topology.nodes) {
      const connected = await session(node.id)
      expect((await connected.exec(['id', '-un'], small)).stdout.toString().trim()).toBe(node.user)
    }
  })

  it('keeps below MaxSessions however much is asked at once', async () => {
    const connected = await session('lb1')
    const results = await Promise.all(Array.from({ length: 30 }, () => connected.exec(['true'], small)))
    expect(results.every((result) => result.code === 0)).toBe(true)
  })

  it('talks to the HAProxy socket without any program on the node', async () => {
    const stream = await (await session('lb1')).openSocket('/run/haproxy/admin.sock', limits)
    let reply = ''
    stream.on('data', (chunk: Buffer) => (reply += chunk.toString()))
    stream.write('show info\n')
    await new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject))
    stream.end()
    expect(reply).toContain('Name: HAProxy')
    await expect((await session('lb1')).openSocket('/run/none.sock', limits)).rejects.toMatchObject({ code: 'exec.not-found' })
  })

  it('uses sudo for what its rules allow, and names the missing rule for the rest', async () => {
    const connected = await session(ordinary())
    const privileged = { ...small, privileged: true }
    expect((await connected.exec(['/usr/sbin/nginx', '-T'], privileged)).code).toBe(0)
    await expect(connected.exec(['/usr/bin/id'], privileged)).rejects.toMatchObject({
      code: 'exec.not-permitted',
      details: { sudoersLine: `ops ALL=(root) NOPASSWD: /usr/bin/id` },
    })
    const stream = await connected.openSocket('/run/haproxy-master.sock', { ...limits, privileged: true })
    const reply = new Promise<string>((resolve, reject) => {
      let all = ''
      stream.on('error', reject).on('data', (chunk: Buffer) => {
        all += chunk.toString()
        if (all.includes('# workers')) resolve(all)
      })
    })
    stream.write('show proc\n')
    expect(await reply).toContain('master')
    stream.destroy()
  })

  it('ends a command that its console gave up, by the time limit on the node', async () => {
    const connected = await session('lb1')
    await expect(connected.exec(['sleep', '98.7'], { ...small, timeoutMs: 300 })).rejects.toMatchObject({
      code: 'ssh.timeout',
      effect: 'unknown',
    })
    const running = async (): Promise<number> => (await connected.exec(['pgrep', '-f', 'sleep 98[.]7'], small)).stdout.length
    await expect.poll(running, { timeout: 15_000 }).toBe(0)
  })

  it('goes through another node as a jump host', async () => {
    const [jump, node] = [targets.get('lb2'), targets.get('lb3')]
    if (jump === undefined || node === undefined) throw new Error('the lab has no lb2 or lb3')
    targets.set('behind', { ...node, proxyJump: `${jump.user}@${jump.host}` })
    expect((await (await session('behind')).exec(['true'], small)).code).toBe(0)
  })
})
