import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { createHostKeyPolicy } from '../../../../src-main/transport/ssh/host-key-policy.ts'
import { fingerprintOf, matchesPattern } from '../../../../src-main/transport/ssh/known-hosts.ts'
import { newKey } from '../ssh-server.ts'

const right = newKey()
const other = newKey()
const ecdsa = newKey('ecdsa')
const line = (names: string, key = right): string => `${names} ${key.public}`

function policyOver(text: string, trusted: { host: string; port: number; key: Buffer }[] = []) {
  return createHostKeyPolicy({
    trusted: { list: () => trusted.map((entry) => ({ ...entry, trustedAt: 0, trustedBy: 'ops' })) },
    knownHostsFiles: ['/kh'],
    readFile: async (file) => (file === '/kh' ? text : null),
  })
}

async function verdict(text: string, host = 'lb1', port = 22, key = right.blob) {
  return policyOver(text).judge({ host, port, key, knownHostsFile: null })
}

const hasKeygen = (() => {
  try {
    execFileSync('ssh-keygen', ['-?'], { stdio: 'ignore' })
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT'
  }
})()

describe('known_hosts', () => {
  it.each([
    ['an empty file', '', 'lb1', 22, 'unknown'],
    ['the plain name', line('lb1'), 'lb1', 22, 'trusted'],
    ['a name in another case', line('LB1'), 'lb1', 22, 'trusted'],
    ['one of several names', line('a,lb1,192.0.2.1'), 'lb1', 22, 'trusted'],
    ['another name', line('lb2'), 'lb1', 22, 'unknown'],
    ['a name that only starts alike', line('lb'), 'lb1', 22, 'unknown'],
    ['a port that is not 22', line('[lb1]:2222'), 'lb1', 2222, 'trusted'],
    ['the same name on another port', line('lb1'), 'lb1', 2222, 'unknown'],
    ['port 22 in brackets, which OpenSSH never writes', line('[lb1]:22'), 'lb1', 22, 'unknown'],
    ['an IPv6 address', line('2001:db8::1'), '2001:db8::1', 22, 'trusted'],
    ['a wildcard', line('*.example.net'), 'lb1.example.net', 22, 'trusted'],
    ['a question mark', line('lb?'), 'lb1', 22, 'trusted'],
    ['a question mark is exactly one character', line('lb1?'), 'lb1', 22, 'unknown'],
    ['a dot is only a dot', line('lb1.example'), 'lb1xexample', 22, 'unknown'],
    ['a negated name', line('*.example.net,!lb1.example.net'), 'lb1.example.net', 22, 'unknown'],
    ['a negation that comes first', line('!lb1.example.net,*.example.net'), 'lb1.example.net', 22, 'unknown'],
    ['another key of the same type', line('lb1', other), 'lb1', 22, 'mismatch'],
    ['a key of another type', line('lb1', ecdsa), 'lb1', 22, 'mismatch'],
    ['several keys, one of them right', `${line('lb1', ecdsa)}\n${line('lb1')}`, 'lb1', 22, 'trusted'],
    ['a revoked key', `@revoked ${line('*')}`, 'lb1', 22, 'revoked'],
    ['a key both trusted and revoked', `${line('lb1')}\n@revoked ${line('lb1')}`, 'lb1', 22, 'revoked'],
    ['another key that is revoked', `${line('lb1')}\n@revoked ${line('lb1', other)}`, 'lb1', 22, 'trusted'],
    ['a certificate authority alone', `@cert-authority ${line('*', other)}`, 'lb1', 22, 'unsupported'],
    ['an authority with the very key is still no host key', `@cert-authority ${line('*')}`, 'lb1', 22, 'unsupported'],
    ['an authority beside the plain key', `@cert-authority ${line('*', other)}\n${line('lb1')}`, 'lb1', 22, 'trusted'],
    ['an unknown marker', `@future ${line('lb1')}`, 'lb1', 22, 'unknown'],
    ['a comment', `# ${line('lb1')}`, 'lb1', 22, 'unknown'],
    ['CRLF line ends', `${line('lb1')}\r\n`, 'lb1', 22, 'trusted'],
    ['a type that the key is not', `lb1 ssh-rsa ${right.public.split(' ')[1]}`, 'lb1', 22, 'unknown'],
    ['a line cut short', 'lb1 ssh-ed25519', 'lb1', 22, 'unknown'],
    ['a broken hash', `|1|salt ${right.public}`, 'lb1', 22, 'unknown'],
  ])('%s', async (_name, text, host, port, kind) => {
    expect((await verdict(text, host, port)).kind).toBe(kind)
  })

  it('names file and line', async () => {
    expect(await verdict(`# one\n\n${line('lb1')}`)).toEqual({ kind: 'trusted', source: '/kh:3' })
    expect(await verdict(`${line('lb1', other)}`)).toEqual({
      kind: 'mismatch',
      expected: [{ fingerprint: fingerprintOf(other.blob), source: '/kh:1' }],
    })
  })

  it.skipIf(!hasKeygen)('agrees with ssh-keygen on hashed names and fingerprints (skipped without ssh-keygen)', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'evenkeel-kh-'))
    try {
      const file = path.join(dir, 'known_hosts')
      writeFileSync(file, `${line('lb1,192.0.2.7')}\n${line('[lb1]:2222', ecdsa)}\n`)
      execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'ignore' })
      const hashed = readFileSync(file, 'utf8')
      expect(hashed).not.toContain('lb1')
      expect((await verdict(hashed)).kind).toBe('trusted')
      expect((await verdict(hashed, '192.0.2.7')).kind).toBe('trusted')
      expect((await verdict(hashed, 'lb1', 2222, ecdsa.blob)).kind).toBe('trusted')
      expect((await verdict(hashed, 'lb1', 2222)).kind).toBe('mismatch')
      expect((await verdict(hashed, 'lb2')).kind).toBe('unknown')
      writeFileSync(path.join(dir, 'key.pub'), `${right.public}\n`)
      expect(execFileSync('ssh-keygen', ['-lf', path.join(dir, 'key.pub')], { encoding: 'utf8' })).toContain(
        fingerprintOf(right.blob),
      )
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  it('matches a hostile pattern in little time', () => {
    expect(matchesPattern('*a'.repeat(200), 'a'.repeat(199))).toBe(false)
    expect(matchesPattern('*a'.repeat(200), 'a'.repeat(200))).toBe(true)
  })
})

describe('the policy', () => {
  it('asks for the types that are on record, own keys first', async () => {
    const policy = policyOver(`${line('lb1', ecdsa)}\n@revoked ${line('lb1', other)}`, [
      { host: 'LB1', port: 22, key: right.blob },
    ])
    expect(await policy.knownTypes({ host: 'lb1', port: 22, knownHostsFile: null })).toEqual([
      'ssh-ed25519',
      'ecdsa-sha2-nistp256',
    ])
  })

  it('trusts a key of its own although known_hosts has another one', async () => {
    const policy = policyOver(line('lb1', other), [{ host: 'lb1', port: 22, key: right.blob }])
    expect(await policy.judge({ host: 'lb1', port: 22, key: right.blob, knownHostsFile: null })).toEqual({
      kind: 'trusted',
      source: 'trusted in this console by ops',
    })
    expect((await policy.judge({ host: 'lb1', port: 22, key: ecdsa.blob, knownHostsFile: null })).kind).toBe('mismatch')
    expect((await policy.judge({ host: 'lb1', port: 2222, key: right.blob, knownHostsFile: null })).kind).toBe('unknown')
  })

  it("reads a node's own file as well", async () => {
    const policy = createHostKeyPolicy({
      trusted: { list: () => [] },
      knownHostsFiles: ['/missing'],
      readFile: async (file) => (file === '/lab/known_hosts' ? line('lb1') : null),
    })
    expect((await policy.judge({ host: 'lb1', port: 22, key: right.blob, knownHostsFile: '/lab/known_hosts' })).kind).toBe(
      'trusted',
    )
    expect((await policy.judge({ host: 'lb1', port: 22, key: right.blob, knownHostsFile: null })).kind).toBe('unknown')
  })
})
