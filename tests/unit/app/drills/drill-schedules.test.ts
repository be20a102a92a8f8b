import { beforeEach, describe, expect, it } from 'vitest'
import type { DrillId, DrillPlan, DrillScheduleRequest, HistoryEntry } from '#contract'
import { AppError } from '../../../../src-main/app/app-error.ts'
import { createDrillSchedules } from '../../../../src-main/app/drills/drill-schedules.ts'
import { keptLog, stillClock, tempStore } from '../../store/temp-store.ts'

const hour = 3_600_000
const tuesday = Date.parse('2026-11-24T10:00:00+09:00')
const plan = { name: 'edge', router: 'edge/VI_1' } as unknown as DrillPlan
const wish = { plan: 'name: edge', cron: '0 10 * * 2', timeZone: 'Asia/Tokyo', blocked: [], reason: 'weekly' }

let clock: ReturnType<typeof stillClock>
let started: { plan: string; by: { author: string; reason: string } }[]
let told: Omit<HistoryEntry, 'id'>[]
let against: string[]
let refusal: Error | null
let isDriver: boolean
let schedules: ReturnType<typeof tempStore>['store']['schedules']

beforeEach(() => {
  clock = stillClock(tuesday - 2 * hour)
  ;[started, told, against, refusal, isDriver] = [[], [], [], null, true]
  schedules = tempStore().store.schedules
})

/** As one console after another finds it in the same store. */
function open() {
  return createDrillSchedules({
    repo: schedules,
    parsePlan: (text) =>
      text === 'bad'
        ? { plan: null, findings: [{ severity: 'error', path: '', line: 3, message: 'no name' }] }
        : { plan, findings: [] },
    standsAgainst: () => against,
    start(planText, by) {
      if (refusal !== null) return Promise.reject(refusal)
      started.push({ plan: planText, by })
      return Promise.resolve({ id: `drill-${started.length}` as DrillId })
    },
    history: { append: (entries) => (told.push(...entries), []), list: () => [] },
    isDriver: () => isDriver,
    clock,
    log: keptLog(),
  })
}
const add = (over: Partial<DrillScheduleRequest> = {}) => open().add({ ...wish, ...over }, 'mk (cli)')
const runs = () => open().list()[0]?.runs

describe('drills at set times', () => {
  it('begin once when they fall due, with whose schedule it is', async () => {
    expect(add()).toMatchObject({ nextAt: tuesday, nextBlockedBy: null, runs: [], schedule: { name: 'edge' } })
    await open().look()
    expect(started).toEqual([])
    clock.at = tuesday + 5000
    await open().look()
    await open().look()
    expect(started).toEqual([{ plan: 'name: edge', by: { author: 'mk (cli)', reason: 'scheduled: weekly' } }])
    expect(runs()).toEqual([{ at: tuesday, drill: 'drill-1', skipped: null }])
    clock.at += 7 * 24 * hour
    await open().look()
    expect(started).toHaveLength(2)
  })

  it('do not begin for a time before they were made', async () => {
    clock.at = tuesday + 60_000
    add()
    await open().look()
    expect([started, runs()]).toEqual([[], []])
  })

  it.each([
    ['a time that passed while no console ran', () => (clock.at = tuesday + hour), 'did not run'],
    ['something else that goes on', () => (against = ['lb1 is being drained.']), 'lb1 is being drained.'],
    ['what the preflight says', () => (refusal = new AppError('job.conflict', 'No drill may begin: frozen.')), 'frozen'],
  ])('are skipped for %s, and say so', async (_name, arrange, why) => {
    add()
    clock.at = tuesday + 1000
    arrange()
    await open().look()
    expect(started).toEqual([])
    expect(runs()).toEqual([{ at: tuesday, drill: null, skipped: expect.stringContaining(why) }])
    expect(told).toEqual([
      expect.objectContaining({ kind: 'drill.skipped', data: expect.objectContaining({ title: 'edge', due: tuesday }) }),
    ])
    against = []
    refusal = null
    await open().look()
    expect(started, 'a skipped time is not made up for').toEqual([])
  })

  it('are skipped in a blocked window, which is told beforehand, and begin right after it', async () => {
    const blocked = [{ cron: '0 9 24 * *', forMs: 2 * hour, why: 'month-end closing' }]
    expect(add({ blocked })).toMatchObject({ nextAt: tuesday, nextBlockedBy: 'month-end closing' })
    clock.at = tuesday + 1000
    await open().look()
    expect(runs()?.[0]?.skipped).toContain('month-end closing')
    add({ blocked, cron: '0 11 * * 2' })
    clock.at = tuesday + hour + 1000
    await open().look()
    expect(started).toHaveLength(1)
  })

  it('are none of the business of a console that only looks on', async () => {
    add()
    clock.at = tuesday + 1000
    isDriver = false
    await open().look()
    expect(runs()).toEqual([])
    isDriver = true
    await open().look()
    expect(started).toHaveLength(1)
  })

  it('refuse what is no plan, with the line, and times that are none', () => {
    expect(() => add({ plan: 'bad' })).toThrow('line 3')
    expect(() => add({ cron: '* * * * *' })).toThrow('within an hour')
    expect(() => add({ blocked: [{ cron: '0 99 * * *', forMs: hour, why: 'x' }] })).toThrow('0 99')
  })

  it('are gone when they are removed; a second time is an error', async () => {
    const { schedule } = add()
    open().remove(schedule.id)
    expect(() => open().remove(schedule.id)).toThrow('There is no schedule')
    clock.at = tuesday + 1000
    await open().look()
    expect(started).toEqual([])
  })
})
