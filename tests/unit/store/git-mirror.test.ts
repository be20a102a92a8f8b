import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ConfigVersion, NodeId, PushId } from '#contract'
import { createConfigMirror } from '../../../src-main/app/config-mirror.ts'
import { createGitMirror } from '../../../src-main/store/git-mirror.ts'

const { signal } = new AbortController()
const hasGit = (() => {
  try {
    execFileSync('git', ['--version'])
    return true
  } catch {
    return false
  }
})()

let folder: string
let kept: { version: ConfigVersion; bytes: Buffer }[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evenkeel-mirror-'))
  kept = []
})
afterEach(() => rmSync(folder, { recursive: true }))

const git = (...args: string[]): string => execFileSync('git', ['-C', join(folder, 'repo'), ...args], { encoding: 'utf8' })
const run = () =>
  createConfigMirror({
    mirror: createGitMirror(),
    versions: {
      list: ({ before = Infinity, limit }) => kept.map(({ version }) => version).reverse().filter(({ id }) => id < before).slice(0, limit), // prettier-ignore
      text: async (id) => kept.find(({ version }) => version.id === id) ?? expect.fail(`no version ${id}`),
    },
  })(join(folder, 'repo'), signal)

function add(path: string, text: string, more: Partial<ConfigVersion> = {}): void {
  const version: ConfigVersion = {
    id: kept.length + 1,
    nodeId: 'lb1' as NodeId,
    kind: path.includes('keepalived') ? 'keepalived' : 'haproxy',
    path,
    sha256: 'ab'.repeat(32),
    bytes: text.length,
    at: Date.parse('2026-11-23T10:00:00Z') + kept.length * 1000,
    source: 'seen',
    author: null,
    reason: null,
    push: null,
    kept: 'whole',
    ...more,
  }
  kept.push({ version, bytes: Buffer.from(text) })
}

describe.skipIf(!hasGit)('the git mirror', () => {
  it('has each version as a commit with its author, time and reason, and is brought up to date by what is new', async () => {
    add('/etc/haproxy/haproxy.cfg', 'global\n')
    add('/etc/haproxy/haproxy.cfg', 'global\n  maxconn 9\n', { source: 'pushed', author: 'mk (cli)', reason: 'more room "now"', push: 'p-7' as PushId }) // prettier-ignore
    expect(await run()).toEqual({ commits: 2, newest: 2 })
    expect(await run()).toEqual({ commits: 0, newest: 2 })
    expect(readFileSync(join(folder, 'repo/lb1/etc/haproxy/haproxy.cfg'), 'utf8')).toBe('global\n  maxconn 9\n')
    const [last, first] = git('log', '--format=%an|%aI|%s|%b%x00').split('\0')
    expect(last).toMatch(/^mk \(cli\)\|2026-11-23T10:00:01(Z|\+00:00)\|lb1: \/etc\/haproxy\/haproxy.cfg pushed\|more room "now"\n\nEvenkeel-Version: 2\nEvenkeel-Push: p-7/) // prettier-ignore
    expect(first).toContain('evenkeel|2026-11-23T10:00:00')
    // somebody else's commits do not confuse it, nor what is not committed
    git('-c', 'user.name=x', '-c', 'user.email=x@y', 'commit', '-q', '--allow-empty', '-m', 'mine')
    writeFileSync(join(folder, 'repo/notes'), 'kept')
    add('/etc/haproxy/haproxy.cfg', 'global\n  maxconn 9\n', { source: 'pushed', author: 'mk (cli)', reason: 'again' })
    expect(await run()).toEqual({ commits: 1, newest: 3 })
    expect(git('status', '--porcelain').trim()).toBe('?? notes')
    expect(git('fsck').trim()).toBe('')
  })

  it('masks passwords', async () => {
    add('/etc/keepalived/keepalived.conf', 'vrrp_instance V {\n authentication {\n auth_type PASS\n auth_pass s3cret\n }\n}\n')
    await run()
    expect(git('log', '-p')).not.toContain('s3cret')
    expect(git('show', 'HEAD:lb1/etc/keepalived/keepalived.conf')).toContain('auth_pass ***')
  })

  it('takes more versions than fit in one page', async () => {
    for (let index = 0; index < 203; index += 1) add(`/etc/haproxy/conf.d/${index}.cfg`, `# ${index}\n`)
    expect(await run()).toEqual({ commits: 203, newest: 203 })
  }, 60_000)

  it('does not write into a folder that is something else, nor out of its own', async () => {
    const elsewhere = createGitMirror().newest(folder, signal)
    writeFileSync(join(folder, 'letter'), 'dear')
    await elsewhere.catch(() => undefined)
    rmSync(join(folder, '.git'), { recursive: true, force: true })
    await expect(createGitMirror().newest(folder, signal)).rejects.toMatchObject({
      code: 'request.invalid',
      message: expect.stringContaining('no git repository') as string,
    })
    add('/../../../../tmp/evil', 'x')
    await expect(run()).rejects.toMatchObject({ code: 'request.invalid' })
    kept = []
    add('/etc/.git/config', 'x')
    await expect(run()).rejects.toMatchObject({ code: 'request.invalid' })
  })
})
