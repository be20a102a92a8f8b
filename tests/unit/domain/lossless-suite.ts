import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, it } from 'vitest'

export interface LosslessFormat {
  /** parses, and writes back what was parsed */
  roundTrip: (text: string) => string
  /** what the format gives a meaning; put together at random */
  pieces: readonly string[]
  /** repeated to a megabyte */
  pathological: readonly string[]
  /** files that Debian's packages ship; those that are not installed here are skipped aloud */
  shipped: readonly string[]
}

/** for ten thousand cases on a machine that is busy otherwise; a parser that is not linear takes minutes */
const timeout = 120_000

/** What every configuration parser owes its files: nothing is lost, nothing throws, nothing takes for ever. */
export function losslessSuite({ roundTrip, pieces, pathological, shipped }: LosslessFormat): void {
  it('prints back as it was, whatever it is', { timeout }, () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: 'binary' }))), (parts) => {
        const text = parts.join('')
        expect(roundTrip(text)).toBe(text)
      }),
      { numRuns: 10_000 },
    )
  })

  it('takes linear time for a megabyte of anything', { timeout }, () => {
    for (const unit of pathological) {
      const text = unit.repeat(1_000_000 / unit.length)
      expect(roundTrip(text).length).toBe(text.length)
    }
  })

  for (const path of shipped) {
    it.runIf(existsSync(path))(`prints back ${path} as Debian ships it, and mutations of it`, { timeout }, () => {
      const text = readFileSync(path, 'latin1')
      expect(roundTrip(text)).toBe(text)
      const place = fc.nat(text.length)
      fc.assert(
        fc.property(place, place, fc.constantFrom(...pieces), (from, to, piece) => {
          const mutated = text.slice(0, Math.min(from, to)) + piece + text.slice(Math.max(from, to))
          expect(roundTrip(mutated)).toBe(mutated)
        }),
        { numRuns: Math.ceil(10_000 / shipped.length) },
      )
    })
  }
}
