import { describe, expect, it } from 'vitest'
import { checkTimes, latestTime, nextTime } from '../../../../src-main/app/drills/due-times.ts'

const at = (text: string): number => Date.parse(text)
const tokyo = { cron: '0 10 * * 2', timeZone: 'Asia/Tokyo' }
const tuesday = at('2026-11-24T10:00:00+09:00')

describe('due times', () => {
  it('go by the clock of the place', () => {
    expect(nextTime(tokyo, tuesday - 1)).toBe(tuesday)
    expect(nextTime(tokyo, tuesday)).toBe(tuesday + 7 * 86_400_000)
    expect(latestTime(tokyo, tuesday - 1)).toBe(tuesday - 7 * 86_400_000)
    expect(latestTime(tokyo, tuesday)).toBe(tuesday)
    expect(latestTime(tokyo, tuesday + 999)).toBe(tuesday)
  })

  it('come at ten o’clock before and after the end of summer time', () => {
    const berlin = { cron: '0 10 * * *', timeZone: 'Europe/Berlin' }
    expect(nextTime(berlin, at('2026-10-24T12:00:00Z'))).toBe(at('2026-10-25T10:00:00+01:00'))
    expect(latestTime(berlin, at('2026-10-24T12:00:00Z'))).toBe(at('2026-10-24T10:00:00+02:00'))
  })

  it.each([
    ['0 10 * *', 'five fields'],
    ['0 10 * * 2 2026', 'five fields'],
    ['0 25 * * 2', 'cannot be read'],
    ['0 10 31 2 *', 'never comes'],
    ['*/30 * * * *', 'more than once within an hour'],
  ])('refuse %s: %s', (cron, why) => {
    expect(() => checkTimes({ cron, timeZone: 'UTC' }, tuesday)).toThrow(why)
  })

  it('refuse a place that is none', () => {
    expect(() => checkTimes({ cron: '0 10 * * 2', timeZone: 'Mars/Base' }, tuesday)).toThrow('Mars/Base')
  })

  it('may come every hour', () => {
    expect(() => checkTimes({ cron: '0 * * * *', timeZone: 'Asia/Tokyo' }, tuesday)).not.toThrow()
  })
})
