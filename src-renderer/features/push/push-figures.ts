import type { ConfigChange, NodeId, PushCheck, PushPhase, PushPlan, PushRecord } from '#contract'
import type { Glyph } from '../../ui/state-glyph.vue'

export type PushTarget = PushRecord['targets'][number]
export type PlannedTarget = PushPlan['targets'][number]

export const stages = ['checking', 'arming', 'replacing', 'reloading', 'watching', 'confirming'] as const
export type Stage = (typeof stages)[number]
export interface StageState {
  stage: Stage
  state: 'done' | 'running' | 'failed' | 'pending'
  /** how long it took, or takes so far; null before it begins */
  ms: number | null
}

export const stageGlyphs: Record<StageState['state'], Glyph> = {
  done: 'done',
  running: 'running',
  failed: 'down',
  pending: 'unchecked',
}
export const phaseGlyphs: Partial<Record<PushPhase, Glyph>> = {
  done: 'done',
  restoring: 'running',
  restored: 'undone',
  failed: 'down',
  skipped: 'unchecked',
  waiting: 'unchecked',
}

const failing: ReadonlySet<PushPhase> = new Set<PushPhase>(['restoring', 'restored', 'failed'])

/** How far a node has come, stage by stage. What follows a stage says how it ended. */
export function stagesOf({ trail }: Pick<PushTarget, 'trail'>, now: number): StageState[] {
  return stages.map((stage): StageState => {
    const index = trail.findLastIndex(({ phase }) => phase === stage)
    const [begun, next] = [trail[index], trail[index + 1]]
    if (begun === undefined) return { stage, state: 'pending', ms: null }
    if (next === undefined) return { stage, state: 'running', ms: Math.max(0, now - begun.at) }
    return { stage, state: failing.has(next.phase) ? 'failed' : 'done', ms: next.at - begun.at }
  })
}

/** Until the guard on the node acts by itself; null where none is armed. It was armed a little later than the phase began. */
export function guardLeftMs(target: Pick<PushTarget, 'trail' | 'phase'>, guardMs: number, now: number): number | null {
  const guarded: readonly PushPhase[] = ['replacing', 'reloading', 'watching', 'confirming', 'restoring']
  const armed = target.trail.findLast(({ phase }) => phase === 'arming')
  return armed === undefined || !guarded.includes(target.phase) ? null : armed.at + guardMs - now
}

/** The wave that a node belongs to, from 1. */
export const waveOf = (waves: PushRecord['waves'], nodeId: NodeId): number =>
  waves.findIndex((wave) => wave.some((group) => group.includes(nodeId))) + 1

export interface PlanWave {
  number: number
  groups: { nodes: readonly NodeId[]; targets: PlannedTarget[] }[]
}

/** The plan in the order in which it is carried out. */
export const wavesOf = ({ waves, targets }: Pick<PushPlan, 'waves' | 'targets'>): PlanWave[] =>
  waves.map((wave, index) => ({
    number: index + 1,
    groups: wave.map((nodes) => ({ nodes, targets: nodes.flatMap((id) => targets.filter(({ nodeId }) => nodeId === id)) })),
  }))

const impacts = ['both-members', 'restart', 'reload', 'runtime'] as const

/** The most that one of these changes takes; `none`: only what no daemon reads differs. */
export const impactOf = (changes: readonly ConfigChange[]): ConfigChange['impact'] | 'none' =>
  impacts.find((impact) => changes.some((change) => change.impact === impact)) ?? 'none'

/** Serving less than before is then what the change is for, or a mistake: the operator is asked. */
export const takesServersAway = (changes: readonly ConfigChange[]): boolean =>
  changes.some(
    ({ what, after }) => what === 'server.removed' || what === 'pool.removed' || (what === 'server.disabled' && after !== null),
  )

export const checkOf = (checks: readonly PushCheck[] | null, { nodeId, kind }: Pick<PlannedTarget, 'nodeId' | 'kind'>) =>
  checks?.find((check) => check.nodeId === nodeId && check.kind === kind) ?? null

/** All of a plan as a person would do it: what is no command is a comment. */
export const scriptOf = (plan: PushPlan, nameOf: (id: NodeId) => string): string =>
  [
    `# ${plan.title}`,
    ...wavesOf(plan).flatMap(({ number, groups }) => [
      '',
      `# wave ${number} of ${plan.waves.length}`,
      ...groups.flatMap(({ targets }) =>
        targets.flatMap(({ nodeId, kind, commands }) => [`# on ${nameOf(nodeId)}: ${kind}`, ...commands]),
      ),
    ]),
    '',
  ].join('\n')

const nameIn = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** Names of files, or how many where they are too many to name. */
export function filesIn(targets: readonly { files: readonly { path: string }[] }[]): string[] {
  return [...new Set(targets.flatMap(({ files }) => files.map(({ path }) => nameIn(path))))]
}

export const nodesIn = (targets: readonly { nodeId: NodeId }[]): NodeId[] => [...new Set(targets.map(({ nodeId }) => nodeId))]
