import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ConfigDraft, NodeId } from '#contract'
import { draftBytes } from '../../../../src-main/app/drafts/draft-bytes.ts'
import { maskSecrets } from '../../../../src-main/domain/config-text/mask-secrets.ts'

const real =
  'vrrp_instance A {\r\n  priority 5\r\n  auth_pass "one two" # old\r\n}\r\nvrrp_instance B {\r\n  auth_pass three\r\n}\r\n# auth_pass ***x\r\n'
const tags: Record<string, string> = { '"one two"': '1111', three: '3333' }
const baseText = maskSecrets('keepalived', real, (secret) => tags[secret] ?? '').text
const draft = (text: string, base = baseText): ConfigDraft => ({
  nodeId: 'lb1' as NodeId,
  path: '/etc/keepalived/keepalived.conf',
  kind: 'keepalived',
  baseSha256: '0'.repeat(64),
  ...{ baseText: base, text, changedAt: 0, kept: 'disk' },
})
const bytesOf = (text: string, from = real): string => draftBytes(draft(text), Buffer.from(from)).toString()

describe('the bytes of a draft', () => {
  it('has no password in the draft, and every one in the bytes', () => {
    expect(baseText).not.toMatch(/one|three/)
    expect(bytesOf(baseText.replace('priority 5', 'priority 6'))).toBe(real.replace('priority 5', 'priority 6'))
    expect(bytesOf(baseText.replace('# old', '# new'))).toBe(real.replace('# old', '# new'))
  })

  it('moves and copies a password with its line, and takes a typed one', () => {
    const swapped = baseText.replace('***1111', '-').replace('***3333', '***1111').replace('-', '***3333')
    expect(bytesOf(swapped)).toBe(real.replace('"one two"', '-').replace('three', '"one two"').replace('-', 'three'))
    expect(bytesOf(`${baseText}auth_pass ***3333`)).toBe(`${real}auth_pass three`)
    expect(bytesOf(baseText.replace('***3333', 'four'))).toBe(real.replace('three', 'four'))
  })

  it('never writes stars: a mask of no password, and one of two, are refused', () => {
    expect(() => bytesOf(baseText.replace('***3333', '***9999'))).toThrow('stands for no password')
    const both = baseText.replace('***1111', '***3333')
    expect(() => draftBytes(draft(`${both}auth_pass ***3333`, both), Buffer.from(real))).toThrow('two different passwords')
    expect(draftBytes(draft(`#\n${both}`, both), Buffer.from(real)).toString()).toBe(`#\n${real}`)
  })

  it('is refused over bytes that are not its base', () => {
    expect(() => bytesOf(`${baseText}#`, real.replace('priority 5', 'priority 7'))).toThrow('is not the file any more')
  })

  it('keeps bytes that are not UTF-8, and refuses what they cannot hold', () => {
    const base = Buffer.from('# \xff\nauth_pass x\n', 'latin1')
    const masked = '# \xff\nauth_pass ***1111\n'
    expect(draftBytes(draft(`${masked}# \xe9\n`, masked), base)).toEqual(Buffer.from('# \xff\nauth_pass x\n# \xe9\n', 'latin1'))
    expect(() => draftBytes(draft(`${masked}# 日本\n`, masked), base)).toThrow('characters that it cannot hold')
  })

  it('whatever lines go and come: the same edit of the masked text and of the real one', () => {
    const realLines = real.split(/(?<=\n)/)
    const maskedLines = baseText.split(/(?<=\n)/)
    const line = fc.oneof(fc.nat(realLines.length - 1), fc.stringMatching(/^[a-z ]{0,8}\n$/))
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (picked) => {
        const from = (lines: readonly string[]) =>
          picked.map((each) => (typeof each === 'number' ? lines[each] : each)).join('')
        expect(bytesOf(from(maskedLines))).toBe(from(realLines))
      }),
      { numRuns: 2000 },
    )
  })
})
