import { describe, expect, it } from 'vitest'
import {
  commandedState,
  isDraining,
  serverStateFrom,
  type ServerFacts,
} from '../../../../src-main/domain/haproxy/server-state.ts'

const up: ServerFacts = {
  word: 'UP',
  opState: 2,
  adminState: 0,
  weight: 1,
  checkResult: 3,
  checkText: '',
  sessions: 0,
  queue: 0,
  lastSessionS: 60,
  oldSessions: 0,
}
const state = (change: Partial<ServerFacts>) => serverStateFrom({ ...up, ...change })

describe('serverStateFrom', () => {
  it('takes a server at its word that something it needs is bad, while its check passes', () => {
    expect(state({ checkText: 'degraded: database' })).toBe('degraded')
    expect(state({ checkText: 'Degraded' })).toBe('degraded')
    expect(state({ checkText: 'not degraded' })).toBe('up')
    expect(state({ checkText: 'degraded', checkResult: 2, word: 'UP 2/3' })).toBe('degraded')
    expect(state({ checkText: 'degraded', opState: 0, word: 'DOWN' })).toBe('down')
    expect(state({ checkText: 'degraded', adminState: 8 })).toBe('drained')
  })

  it.each([
    ['up', {}],
    ['maintenance', { word: 'MAINT', opState: 0, adminState: 1 }],
    ['maintenance', { word: 'MAINT (via be/s)', opState: 0, adminState: 2 }],
    ['maintenance', { word: 'MAINT', opState: 0, adminState: 5 }],
    ['maintenance', { word: 'MAINT (resolution)', opState: 0, adminState: 32 }],
    ['draining', { word: 'DRAIN', adminState: 8, sessions: 3 }],
    ['draining', { word: 'DRAIN', adminState: 16, sessions: 3 }],
    ['draining', { word: 'DRAIN (agent)', adminState: 8, queue: 1 }],
    ['draining', { word: 'NOLB', opState: 3, sessions: 1 }],
    ['drained', { word: 'NOLB', opState: 3 }],
    ['unchecked', { word: 'no check', checkResult: 0 }],
    ['down', { word: 'DOWN', opState: 0, checkResult: 2 }],
    ['down', { word: 'DOWN 1/2', opState: 0, checkResult: 3 }],
    ['down', { word: 'DOWN (agent)', opState: 0 }],
    ['warming', { word: 'UP', opState: 1 }],
  ] as const)('is %s for %o', (expected, facts) => expect(state(facts)).toBe(expected))

  it('says "up" of a server once declared disabled that takes traffic: bit 0x04 alone is history', () => {
    expect(state({ adminState: 4 })).toBe('up')
  })

  it('sees a drain that the daemon hides behind DOWN because the check fails', () => {
    expect(state({ word: 'DOWN', opState: 0, adminState: 8, checkResult: 2, sessions: 1 })).toBe('draining')
  })

  it('sees a drain that the daemon hides behind UP because the weight is 0', () => {
    expect(state({ weight: 0, sessions: 1 })).toBe('draining')
    expect(isDraining(0, 0)).toBe(true)
  })

  it('reads the bits as decimal numbers: 12, 16, 24 and 72 drain, 64 does not, none of them is maintenance', () => {
    for (const adminState of [12, 16, 24, 72]) expect(state({ adminState, sessions: 1 })).toBe('draining')
    expect(state({ adminState: 64 })).toBe('up')
  })

  it('tells a server that comes up from one whose check begins to fail, though both are "UP 1/3"', () => {
    expect(state({ word: 'UP 1/3', checkResult: 3 })).toBe('warming')
    expect(state({ word: 'UP 1/3', checkResult: 0 })).toBe('warming')
    expect(state({ word: 'UP 1/3', checkResult: 2 })).toBe('degraded')
  })

  it('does not call a server drained because nobody is on it at this moment: clients with a cookie still come back', () => {
    const between = { word: 'DRAIN', adminState: 8, sessions: 0 }
    expect(state({ ...between, lastSessionS: 1 })).toBe('draining')
    expect(state({ ...between, lastSessionS: 9 })).toBe('draining')
    expect(state({ ...between, lastSessionS: 10 })).toBe('drained')
    expect(state({ ...between, lastSessionS: null })).toBe('drained')
  })

  it('does not call a server drained while a worker of before a reload has sessions on it, or may have', () => {
    expect(state({ word: 'DRAIN', adminState: 8, oldSessions: 2 })).toBe('draining')
    expect(state({ word: 'DRAIN', adminState: 8, oldSessions: null })).toBe('draining')
  })
})

describe('commandedState', () => {
  it.each([
    ['ready', 0],
    ['maint', 1],
    ['ready', 2],
    ['ready', 4],
    ['maint', 5],
    ['drain', 8],
    ['drain', 12],
    ['ready', 16],
    ['ready', 32],
  ] as const)('is %s for %i: what a command can set and clear, not what was inherited or configured', (expected, bits) =>
    expect(commandedState(bits)).toBe(expected),
  )
})
