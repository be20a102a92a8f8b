import { describe, expect, it } from 'vitest'
import type { DrainPlace, DrainRecord } from '#contract'
import { isWellAgain, wavesOf, waveText } from '../../../../src-main/domain/drain/waves.ts'

const proof = { at: 1, evidence: [] }
const place = (over: Partial<DrainPlace>): DrainPlace =>
  ({ pool: 'app', server: 'w1', phase: 'in-force', proof, wasDown: true, health: 'up', ...over }) as DrainPlace
const drain = (places: DrainPlace[], over: Partial<DrainRecord> = {}): DrainRecord =>
  ({
    ...{ goal: 'out', heldSince: null, next: ['w2'], waves: { size: 1, goOn: 'healthy', number: 1, of: 2 }, places },
    ...over,
  }) as DrainRecord

it('a list is divided in order; without waves all go at once', () => {
  expect(wavesOf([1, 2, 3], { size: 2 })).toEqual([[1, 2], [3]])
  expect(wavesOf([1, 2, 3], undefined)).toEqual([[1, 2, 3]])
  expect(wavesOf([1], { size: 200 })).toEqual([[1]])
})

describe('well again', () => {
  it('is who was down and is up, on every balancer, when nobody is on it any more', () => {
    expect(isWellAgain(drain([place({}), place({})]))).toBe(true)
    expect(isWellAgain(drain([place({}), place({ wasDown: false })]))).toBe(false)
    expect(isWellAgain(drain([place({}), place({ health: 'down' })]))).toBe(false)
    expect(isWellAgain(drain([place({}), place({ proof: null })]))).toBe(false)
  })

  it('says nothing of what was out before, is gone, or is in maintenance; nor while held, nor unless asked', () => {
    const others = [place({ phase: 'already-out', health: null }), place({ phase: 'gone', proof: null, health: null })]
    expect(isWellAgain(drain([place({}), ...others]))).toBe(true)
    expect(isWellAgain(drain(others))).toBe(false)
    expect(isWellAgain(drain([place({})], { heldSince: 5 }))).toBe(false)
    expect(isWellAgain(drain([place({})], { goal: 'maintenance' }))).toBe(false)
    expect(isWellAgain(drain([place({})], { waves: { size: 1, goOn: 'asked', number: 1, of: 2 } }))).toBe(false)
  })
})

it('says what a wave waits for', () => {
  expect(waveText(drain([], { waves: null }))).toBe('')
  expect(waveText(drain([place({ wasDown: false })]))).toContain(
    'Wave 1 of 2: it goes on when the checks of app/w1 have failed',
  )
  expect(waveText(drain([place({ health: 'down' })]))).toBe(' Wave 1 of 2: it goes on when the checks of app/w1 pass again.')
  expect(waveText(drain([place({ phase: 'already-out' })], { next: [] }))).toBe(' The last wave: it waits for your word.')
})
