import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { serverStates } from '#contract'
import { compareStates, joinStates, statesDisagree, takesTraffic } from '../../../../src-main/domain/fleet/state.ts'

const anyStates = fc.array(fc.constantFrom(...serverStates), { maxLength: 6 })

describe('joining states across balancers', () => {
  test('the worst one wins, whatever the order', () => {
    expect(joinStates(['up', 'down'])).toBe('down')
    expect(joinStates(['drained', 'draining', 'up'])).toBe('draining')
    expect(joinStates(['unchecked', 'degraded'])).toBe('degraded')
  })

  test('unknown only when no balancer can be read', () => {
    expect(joinStates([])).toBe('unknown')
    expect(joinStates(['unknown', 'unknown'])).toBe('unknown')
    expect(joinStates(['unknown', 'up'])).toBe('up')
  })

  test('is the minimum of a total order', () => {
    fc.assert(
      fc.property(anyStates, (states) => {
        const joined = joinStates(states)
        expect(states.every((state) => compareStates(joined, state) <= 0)).toBe(true)
        expect(states.length === 0 || states.includes(joined)).toBe(true)
      }),
    )
  })

  test('every state has its own rank', () => {
    const sorted = [...serverStates].sort(compareStates)
    expect(sorted[0]).toBe('down')
    expect(sorted.at(-1)).toBe('unknown')
    for (const a of serverStates) for (const b of serverStates) if (a !== b) expect(compareStates(a, b)).not.toBe(0)
  })
})

describe('disagreement', () => {
  test('unlike states that both are known', () => {
    expect(statesDisagree(['up', 'down'])).toBe(true)
    expect(statesDisagree(['up', 'maintenance'])).toBe(true)
    expect(statesDisagree(['draining', 'up'])).toBe(true)
  })

  test('stages of one thing and unreadable balancers are no disagreement', () => {
    expect(statesDisagree(['up', 'warming', 'degraded'])).toBe(false)
    expect(statesDisagree(['draining', 'drained'])).toBe(false)
    expect(statesDisagree(['up', 'unknown'])).toBe(false)
    expect(statesDisagree([])).toBe(false)
  })
})

test('only what receives new sessions counts as taking traffic', () => {
  expect(serverStates.filter(takesTraffic)).toEqual(['up', 'warming', 'degraded', 'unchecked'])
})
