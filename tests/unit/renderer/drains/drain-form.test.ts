import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { DrainStart } from '#contract'
import { parseLength } from '../../../../src-renderer/features/drains/length-text.ts'
import { lengthFrom, wishesFrom, type DrainForm } from '../../../../src-renderer/features/drains/use-drain-sheet.ts'

const form: DrainForm = {
  reason: 'kernel',
  atLeast: 1,
  unit: 'servers',
  override: '',
  later: false,
  leaveOut: false,
  everywhere: false,
  deadline: '',
  onDeadline: 'wait',
  expires: '',
  then: 'nothing',
  onViolation: 'reassert',
  order: 'together',
  waveSize: 1,
  goOn: 'asked',
}

describe('a length of time', () => {
  it.each([
    ['90s', 90_000],
    ['10m', 600_000],
    ['10', 600_000],
    [' 1h 30m ', 5_400_000],
    ['1H30M', 5_400_000],
    ['2 d', 172_800_000],
  ])('%s', (text, ms) => expect(parseLength(text)).toBe(ms))

  it.each(['', 'soon', '10 parsecs', '-5m', '1.5h', '0', '0s', '367d', 'm10', '10m x'])('%s is none', (text) =>
    expect(parseLength(text)).toBeNull(),
  )

  it('nothing typed is no time, not a wrong one', () => {
    expect([lengthFrom('  '), lengthFrom('soon'), lengthFrom('5m')]).toEqual([undefined, null, 300_000])
  })
})

describe('the fields of the sheet', () => {
  const start = (more: Partial<DrainForm>) =>
    v.parse(DrainStart, { targets: ['x'], reason: 'kernel', ...wishesFrom({ ...form, ...more }) })

  it('untouched, they are what the contract does without being asked', () => {
    expect(start({})).toEqual(v.parse(DrainStart, { targets: ['x'], reason: 'kernel' }))
  })

  it('say everything that can be said', () => {
    const said = start({
      ...{ atLeast: 50, unit: 'percent', override: ' last one ', later: true, deadline: '10m', onDeadline: 'finish' },
      ...{ expires: '2h', then: 'maint', onViolation: 'alarm', order: 'waves', waveSize: 2, goOn: 'healthy' },
      leaveOut: true,
    })
    expect(said).toMatchObject({
      ...{ floor: { atLeast: 50, unit: 'percent' }, overrideFloor: 'last one', unreachable: 'later', deadlineMs: 600_000 },
      ...{ onDeadline: 'finish', expiresMs: 7_200_000, then: 'maint', onViolation: 'alarm', unchangeable: 'leave-out' },
      waves: { size: 2, goOn: 'healthy' },
    })
  })

  it('what happens at a deadline is not said without a deadline', () => {
    expect(start({ onDeadline: 'put-back' }).onDeadline).toBe('wait')
  })
})
