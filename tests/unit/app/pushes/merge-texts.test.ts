import fc from 'fast-check'
import { expect, it } from 'vitest'
import { mergeTexts } from '../../../../src-main/app/pushes/merge-texts.ts'

const base = 'a\nb\nc\nd\ne\n'

it.each([
  ['both changes, apart', 'A\nb\nc\nd\ne\n', 'a\nb\nc\nd\nE\n', 'A\nb\nc\nd\nE\n'],
  ['the same change twice', 'a\nB\nc\nd\ne\n', 'a\nB\nc\nd\ne\n', 'a\nB\nc\nd\ne\n'],
  ['one line changed by both', 'a\nB\nc\nd\ne\n', 'a\nX\nc\nd\ne\n', null],
  ['lines next to each other', 'a\nB\nc\nd\ne\n', 'a\nb\nC\nd\ne\n', null],
  ['taken out and added', 'b\nc\nd\ne\n', 'a\nb\nc\nd\ne\nf', 'b\nc\nd\ne\nf'],
])('merges %s', (_, mine, theirs, merged) => expect(mergeTexts(base, mine, theirs)).toBe(merged))

it('a change against none is the change, either way round', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', '}', ''), { maxLength: 12 }).map((lines) => lines.join('\n'))
  fc.assert(
    fc.property(text, text, (one, other) => {
      expect(mergeTexts(one, other, one)).toBe(other)
      expect(mergeTexts(one, one, other)).toBe(other)
    }),
  )
})
