import { describe, expect, it } from 'vitest'
import { hostKeyFrom, knownHostsName } from '../../../../src-renderer/features/nodes/host-key.ts'

const details = {
  host: 'lb1',
  port: 22,
  hop: 1,
  keyType: 'ssh-ed25519',
  fingerprint: 'SHA256:x',
  key: 'AAAA',
  expected: ['SHA256:y'],
}

describe('host key of a failed connection', () => {
  it('tells an unknown key from a changed one', () => {
    expect(hostKeyFrom({ code: 'ssh.host-key-unknown', message: '', details })?.kind).toBe('unknown')
    expect(hostKeyFrom({ code: 'ssh.host-key-mismatch', message: '', details })).toEqual({ kind: 'changed', details })
  })
  it('offers nothing to trust for another failure or without the key itself', () => {
    expect(hostKeyFrom({ code: 'ssh.auth-failed', message: '', details })).toBeNull()
    expect(hostKeyFrom({ code: 'ssh.host-key-revoked', message: '', details })).toBeNull()
    expect(hostKeyFrom({ code: 'ssh.host-key-unknown', message: '', details: { ...details, key: undefined } })).toBeNull()
  })
  it('is named as known_hosts names it', () => {
    expect(knownHostsName({ host: 'lb1', port: 22 })).toBe('lb1')
    expect(knownHostsName({ host: 'lb1', port: 2222 })).toBe('[lb1]:2222')
  })
})
