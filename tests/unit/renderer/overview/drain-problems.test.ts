import { describe, expect, it } from 'vitest'
import { drainProblems } from '../../../../src-renderer/features/overview/drain-problems.ts'
import { entryText } from '../../../../src-renderer/features/history/entry-text.ts'
import { createAppI18n } from '../../../../src-renderer/i18n.ts'
import { drain, event, startedAt } from '../drains/drain-samples.ts'

const { t } = createAppI18n('en').global
const problems = (...drains: ReturnType<typeof drain>[]) =>
  drainProblems(
    drains,
    (key, values) => t(key, values),
    (id) => id.toUpperCase(),
  )

describe('drains among the problems', () => {
  it('a drain that does what it promised is none', () => {
    expect(
      problems(drain('a'), drain('b', { state: 'empty', emptyAt: 5 }), drain('c', { heldSince: 5, state: 'held' })),
    ).toEqual([])
  })

  it('names one whose server takes traffic again, since the last time, and leads to it', () => {
    const [row] = problems(
      drain('a', {
        state: 'violated',
        said: 'a reload',
        timeline: [event('violated', 5), event('reasserted', 6), event('violated', 9)],
      }),
    )
    expect(row).toMatchObject({ severity: 'critical', reading: 'a reload', since: 9, where: 'LB1, LB2' })
    expect(row?.title).toBe('web/web1 takes traffic again')
    expect(row?.to).toEqual({ path: '/drains', query: { drain: 'a' } })
  })

  it('names a deadline that passed while somebody is left, and no longer when it is empty or going back', () => {
    const late = { deadlineAt: startedAt + 60_000, deadlinePassed: true }
    expect(problems(drain('a', late))).toMatchObject([
      { severity: 'warning', since: startedAt + 60_000, reading: '6 left, kernel' },
    ])
    expect(problems(drain('a', { ...late, emptyAt: 9 }), drain('b', { ...late, goal: 'back', state: 'put-back' }))).toEqual([])
  })
})

describe('drains in the history', () => {
  const entry = (kind: 'drain.started' | 'drain.violated' | 'drain.empty') =>
    entryText(
      {
        ...{ id: 1, at: 1, kind, nodeId: null, subject: 'd' },
        data: { title: 'Drain web/web1 on lb1', reason: 'kernel', owner: 'osamu', text: 'as main says it' },
      },
      (key, values) => t(key, values ?? {}),
      (id) => id,
    )

  it('says what happened, to what, and why it began', () => {
    expect(entry('drain.started')).toMatchObject({ title: 'Taken out: web/web1 on lb1', detail: 'kernel, by osamu' })
    expect(entry('drain.violated')).toMatchObject({ title: 'Takes traffic again: web/web1 on lb1', detail: 'as main says it' })
    expect(entry('drain.empty').title).toBe('Empty: web/web1 on lb1')
  })
})
