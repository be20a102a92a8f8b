import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ServiceKind } from '#contract'
import { hideSecrets, maskSecrets } from '../../../../src-main/domain/config-text/mask-secrets.ts'

const masked = (kind: ServiceKind, text: string): string => maskSecrets(kind, text, () => 'tag').text

describe('maskSecrets', () => {
  it.each<[ServiceKind, string, string]>([
    ['keepalived', '    auth_pass hush # old', '    auth_pass ***tag # old'],
    [
      'keepalived',
      'authentication { auth_type PASS auth_pass hush}\r\n',
      'authentication { auth_type PASS auth_pass ***tag}\r\n',
    ],
    ['keepalived', 'auth_pass "two words"', 'auth_pass ***tag'],
    ['keepalived', 'auth_pass "never closed', 'auth_pass ***tag'],
    ['keepalived', '#auth_pass before', '#auth_pass ***tag'],
    ['keepalived', 'password hush', 'password ***tag'],
    ['keepalived', 'my_auth_pass 1', 'my_auth_pass 1'],
    ['haproxy', 'user bob insecure-password hush groups g', 'user bob insecure-password ***tag groups g'],
    ['haproxy', 'user bob password $6$abc groups g', 'user bob password ***tag groups g'],
    ['haproxy', 'stats auth bob:hu\\ sh', 'stats auth ***tag'],
    ['haproxy', 'http-request set-header Authorization "Basic aGk=" if x', 'http-request set-header Authorization ***tag if x'],
    ['haproxy', 'http-request set-header Authorization %[var(txn.a)]', 'http-request set-header Authorization %[var(txn.a)]'],
    ['nginx', 'proxy_set_header Authorization "Basic aGk=";', 'proxy_set_header Authorization ***tag;'],
    ['nginx', 'proxy_set_header Authorization $http_authorization;', 'proxy_set_header Authorization $http_authorization;'],
  ])('%s: %s', (kind, text, expected) => {
    expect(masked(kind, text)).toBe(expected)
  })

  it.each<[ServiceKind, string, string, string]>([
    [
      'haproxy',
      'user bob insecure-password hush',
      "unknown keyword 'hush' in 'userlist'",
      "unknown keyword '***' in 'userlist'",
    ],
    ['haproxy', 'stats auth bob:hu#sh', 'too many: hu#sh, bob:hu#sh', 'too many: ***, ***'],
    ['keepalived', 'auth_pass "two words"', '(Line 2) two words', '(Line 2) ***'],
    ['keepalived', 'auth_pass 1', '(Line 1) 1 is no password, auth_pass 1', '(Line 1) 1 is no password, auth_pass ***'],
    ['nginx', 'proxy_set_header Authorization "Basic aGk=";', 'invalid number "Basic aGk="', 'invalid number "***"'],
  ])('hides what %s repeats of %s', (kind, text, said, expected) => {
    expect(hideSecrets(kind, [text], said)).toBe(expected)
  })

  it('leaves what is masked as it is, and counts it', () => {
    const once = maskSecrets('keepalived', 'auth_pass a\nauth_pass b\n', () => '')
    expect(once).toEqual({ text: 'auth_pass ***\nauth_pass ***\n', masked: 2 })
    expect(maskSecrets('keepalived', once.text, () => 'other')).toEqual(once)
  })

  it('takes no password for a mask because it begins like one', () => {
    expect(masked('keepalived', 'auth_pass ***0@_')).toBe('auth_pass ***tag')
    expect(hideSecrets('keepalived', ['auth_pass ***0@_'], 'what is ***0@_ here')).toBe('what is *** here')
  })

  it('keeps no password, whatever it is made of and whatever stands around it', () => {
    const secret = fc
      .stringMatching(/^[A-Za-z0-9@%^&*()_+=:,.<>?~-]{3,20}$/)
      .filter((text) => !'***tag auth_pass'.includes(text))
    fc.assert(
      fc.property(secret, fc.stringMatching(/^[a-z {}\n]{0,20}$/), (pass, around) => {
        const text = masked('keepalived', `${around}\nauth_pass ${pass}\n${around}`)
        expect(text).toBe(`${around}\nauth_pass ***tag\n${around}`)
      }),
    )
  })
})
