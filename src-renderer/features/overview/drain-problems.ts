import type { DrainView, Problem } from '#contract'
import { isKept, sessionsOf, whatOf } from '../drains/drain-figures.ts'
import type { ProblemText, Translate } from './problem-text.ts'

export interface ProblemRow extends ProblemText {
  id: string
  severity: Problem['severity']
  where: string
  since: number
  changedBefore: Problem['changedBefore']
}

/** Drains that do not do what they promised: the server takes traffic again, the drain failed, or its deadline passed. */
export function drainProblems(
  drains: readonly DrainView[],
  t: Translate,
  nodeName: (id: DrainView['places'][number]['nodeId']) => string,
): ProblemRow[] {
  return drains.flatMap((drain): ProblemRow[] => {
    const what = whatOf(drain)
    const { id, said, state, timeline, createdAt, places, reason, deadlineAt } = drain
    const where = [...new Set(places.map(({ nodeId }) => nodeName(nodeId)))].join(', ')
    const row = { id: `drain ${id}`, where, changedBefore: null, to: { path: '/drains', query: { drain: id } } }
    const lastOf = (kind: 'violated' | 'failed') => timeline.findLast((event) => event.kind === kind)?.at ?? createdAt
    if (state === 'violated' || state === 'failed') {
      const words = t(`drains.problem.${state}`, { what })
      return [{ ...row, severity: 'critical', glyph: 'down', title: words, reading: said, since: lastOf(state) }]
    }
    if (!drain.deadlinePassed || deadlineAt === null || drain.emptyAt !== null || !isKept(drain)) return []
    const count = sessionsOf(places.map(({ left }) => left)) ?? '?'
    return [
      {
        ...row,
        severity: 'warning',
        glyph: 'degraded',
        title: t('drains.problem.deadline', { what }),
        reading: t('drains.problem.deadlineRead', { count, reason }),
        since: deadlineAt,
      },
    ]
  })
}
