import { describe, expect, it } from 'vitest'
import { appearanceFrom } from '../../../src-renderer/stores/appearance.ts'
import { formatBytes, formatCount, formatDuration, formatFigure, formatSpan } from '../../../src-renderer/ui/format.ts'

describe('figures', () => {
  it.each([
    [-5, '0 s'],
    [59_999, '59 s'],
    [134_000, '2 m 14 s'],
    [600_000, '10 m'],
    [3_900_000, '1 h 05 m'],
    [41 * 86_400_000, '41 d'],
  ])('%d ms ago is %s', (ms, text) => expect(formatDuration(ms)).toBe(text))
  it('words spans, counts, figures and bytes', () => {
    expect([formatSpan(620), formatSpan(1_200), formatSpan(12_000), formatSpan(134_000)]).toEqual([
      '620 ms',
      '1.2 s',
      '12 s',
      '2 m 14 s',
    ])
    expect([formatCount(999), formatCount(3422), formatCount(1_000_000)]).toEqual(['999', '3\u2009422', '1\u2009000\u2009000'])
    expect([formatFigure(0), formatFigure(0.4), formatFigure(12.94), formatFigure(24_152)]).toEqual([
      '0',
      '0.40',
      '12.9',
      '24\u2009152',
    ])
    expect([formatBytes(999), formatBytes(18_211), formatBytes(2_500_000)]).toEqual(['999 B', '18.2 kB', '2.5 MB'])
  })
})

describe('kept appearance', () => {
  it('falls back field by field, whatever was kept', () => {
    expect(appearanceFrom('{"theme":"dark","density":7,"language":"fr"}', ['ja-JP'])).toEqual({
      theme: 'dark',
      density: 'compact',
      language: 'ja',
      activityOpen: true,
    })
    for (const kept of [null, 'no json', '[]', 'null', '3']) {
      expect(appearanceFrom(kept, ['en'])).toMatchObject({ theme: 'system', language: 'en' })
    }
  })
})
