import type { DrillRecord, DrillState, DrillVerdict, DrillView, Interval } from '#contract'
import { formatSpan } from '../../ui/format.ts'
import type { Glyph } from '../../ui/state-glyph.vue'

export const drillStates: readonly DrillState[] = [
  'preparing',
  'steady',
  'injecting',
  'holding',
  'reverting',
  'confirming',
  'ended',
]
export const verdictGlyphs: Record<DrillVerdict, Glyph> = { proven: 'done', refuted: 'down', untested: 'unknown' }
export const glyphOf = ({ verdict, endedAt }: DrillRecord): Glyph =>
  endedAt === null ? 'running' : verdict === null ? 'unknown' : verdictGlyphs[verdict]

/** The longest that any vantage saw; null where none measured one. */
export function outageOf({ figures }: Pick<DrillRecord, 'figures'>): number | null {
  const found = figures.flatMap(({ outageMs }) => outageMs ?? [])
  return found.length === 0 ? null : Math.max(...found)
}

/** `0 ms` to `1 s` as one figure where both ends are the same. */
export const intervalText = ({ earliestMs, latestMs }: Interval): string =>
  earliestMs === latestMs ? formatSpan(latestMs) : `${formatSpan(earliestMs)} – ${formatSpan(latestMs)}`

export interface AnswerCell {
  key: number
  /** part of the height, 0 to 1; a failed one is as high as it goes */
  height: number
  failed: boolean
}

/** The slices around the fault, at most so many, the worst of those that are put together. */
export function answerCells({ worstMs }: DrillView['answers'][number], most: number): AnswerCell[] {
  const size = Math.max(1, Math.ceil(worstMs.length / most))
  const top = Math.max(1, ...worstMs.map((each) => each ?? 0))
  const cells: AnswerCell[] = []
  for (let at = 0; at < worstMs.length; at += size) {
    const slice = worstMs.slice(at, at + size).filter((each) => each !== null)
    const failed = slice.includes(-1)
    const worst = slice.length === 0 ? 0 : Math.max(...slice)
    cells.push({ key: at, height: failed ? 1 : slice.length === 0 ? 0 : Math.max(0.12, worst / top), failed })
  }
  return cells
}
