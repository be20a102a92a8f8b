import { randomUUID } from 'node:crypto'
import * as v from 'valibot'
import { DrainId, type DrainPlan, type DrainRecord, type ParsedInputOf } from '#contract'
import type { PlannedDrain } from './drain-planner.ts'
import { beforeOf, leftOf } from './place-record.ts'

type StartInput = ParsedInputOf<'drain.start'>

/** The record of a drain that begins now. `before`: the wave that it follows. */
export function recordFrom({
  input,
  plan,
  places,
  owner,
  at,
  before,
}: PlannedDrain & { input: StartInput; owner: string; at: number; before: DrainRecord | null }): DrainRecord {
  const { reason, floor, overrideFloor, onViolation, then, unreachable, unchangeable, onDeadline, deadlineMs, expiresMs } =
    input
  return {
    id: v.parse(DrainId, randomUUID()),
    title: plan.title,
    ...seriesOf(input, plan.waves, before),
    nodes: input.nodes ?? null,
    owner,
    reason,
    floor,
    floorOverride: plan.floor.every(({ holds }) => holds) ? null : (overrideFloor ?? null),
    onViolation,
    then,
    unreachable,
    unchangeable,
    leftOut: plan.leftOut,
    onDeadline,
    deadlineMs: deadlineMs ?? null,
    deadlineAt: deadlineMs === undefined ? null : at + deadlineMs,
    deadlinePassed: false,
    expiresMs: expiresMs ?? null,
    expiresAt: expiresMs === undefined ? null : at + expiresMs,
    heldSince: null,
    goal: 'out',
    state: 'starting',
    said: 'Being set.',
    createdAt: at,
    emptyAt: null,
    endedAt: null,
    forecast: plan.forecast,
    outcome: null,
    finishing: false,
    cut: 0,
    jobs: [],
    places: places.map(({ target, reading }) => ({
      ...target,
      before: reading === null ? null : beforeOf(reading),
      phase: 'unset',
      said: '',
      left: reading === null ? null : leftOf(reading, at, null),
      proof: null,
      unreadSince: null,
      violations: 0,
      health: reading?.health ?? null,
      wasDown: false,
    })),
  }
}

/** Which of the targets this drain is about, and what follows it. */
function seriesOf(
  { targets, waves }: StartInput,
  { length }: DrainPlan['waves'],
  before: DrainRecord | null,
): Pick<DrainRecord, 'targets' | 'next' | 'waves' | 'follows'> {
  const size = waves?.size ?? targets.length
  const number = (before?.waves?.number ?? 0) + 1
  return {
    targets: targets.slice(0, size),
    next: targets.slice(size),
    waves: waves === undefined ? null : { ...waves, number, of: number - 1 + length },
    follows: before?.id ?? null,
  }
}
