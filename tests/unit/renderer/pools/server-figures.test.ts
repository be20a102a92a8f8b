import { describe, expect, it } from 'vitest'
import {
  isPassing,
  sessionsOf,
  totalsOn,
  weightOf,
  worstCheck,
} from '../../../../src-renderer/features/pools/server-figures.ts'
import { layoutFor } from '../../../../src-renderer/features/pools/table-columns.ts'
import { cell, server } from './fleet-samples.ts'

const web = 'tyo-edge/haproxy/web'
const check = (status: string) => ({ check: { status, code: null, durationMs: 1, text: '' } })

describe('figures of a server', () => {
  it('sums what is known; nothing known is not zero', () => {
    expect(
      sessionsOf(server(web, 'a', { on: [cell('lb1', 'up', { sessions: 3 }), cell('lb2', 'up', { sessions: null })] })),
    ).toBe(3)
    expect(sessionsOf(server(web, 'a', { on: [cell('lb1', 'unknown', { sessions: null })] }))).toBeNull()
  })

  it('tells when the balancers have different weights', () => {
    expect(weightOf(server(web, 'a', { on: [cell('lb1', 'up', { weight: 1 }), cell('lb2', 'up', { weight: 2 })] }))).toBe(
      'mixed',
    )
    expect(weightOf(server(web, 'a'))).toBe(1)
  })

  it('has no limit for a pool when one of its servers has none', () => {
    const limited = server(web, 'a')
    const free = server(web, 'b', { on: [cell('lb1', 'up', { sessionLimit: null })] })
    const lb1 = limited.on[0]?.nodeId ?? expect.fail('no cell')
    expect(totalsOn([limited], lb1)).toEqual({ sessions: 4, limit: 64, queue: 0 })
    expect(totalsOn([limited, free], lb1)).toEqual({ sessions: 8, limit: null, queue: 0 })
  })

  it('leaves out what an unreadable balancer last said', () => {
    const gone = server(web, 'a', { on: [cell('lb1', 'unknown', { sessions: 9 })] })
    expect(totalsOn([gone], gone.on[0]?.nodeId ?? expect.fail('no cell')).sessions).toBeNull()
  })

  it.each([
    ['L7OK', true],
    ['L4OK', true],
    ['* L7OK', true],
    ['L7OKC', true],
    ['', true],
    ['L4CON', false],
    ['L7STS', false],
    ['* L4TOUT', false],
  ])('a check that says %s', (status, passes) => {
    expect(isPassing(cell('lb1', 'up', check(status)))).toBe(passes)
  })

  it('shows the failing check of the two', () => {
    const torn = server(web, 'a', { on: [cell('lb1'), cell('lb2', 'down', check('L4CON'))] })
    expect(worstCheck(torn)?.check?.status).toBe('L4CON')
  })
})

describe('columns that fit', () => {
  it('gives up the sparkline first and keeps name, state, words and sessions to the end', () => {
    expect(layoutFor(1200, 2, false).shown.size).toBe(5)
    expect(layoutFor(880, 2, false).shown.has('spark')).toBe(false)
    expect(layoutFor(880, 2, false).shown.has('errors')).toBe(true)
    const narrow = layoutFor(300, 2, false)
    expect(narrow.shown.size).toBe(0)
    expect(narrow.minWidth).toBeGreaterThan(300)
    expect(narrow.columnCount).toBe(6)
  })

  it('has a column group per balancer', () => {
    expect(layoutFor(2000, 3, false).columnCount - layoutFor(2000, 2, false).columnCount).toBe(3)
  })
})
