import type { PracticeScenarioId } from '#contract'

/** The clients' own two are set in the load menu. */
export type TroubleId = Exclude<PracticeScenarioId, 'load' | 'sticky-share'>
export type TroubleGroup = 'backend' | 'balancer' | 'network' | 'console'

export const troubleGroups: readonly { group: TroubleGroup; ids: readonly TroubleId[] }[] = [
  { group: 'balancer', ids: ['crash-haproxy', 'kill-keepalived', 'power-off', 'hand-edit'] },
  { group: 'backend', ids: ['backend-stop', 'backend-slow', 'backend-flap', 'backend-degraded', 'fill-pool'] },
  { group: 'network', ids: ['cut-adverts'] },
  { group: 'console', ids: ['ssh-refuse', 'ssh-hang', 'ssh-new-key'] },
]

/** The page on which it shows. */
const shownOn = {
  'crash-haproxy': 'vips',
  'kill-keepalived': 'vips',
  'power-off': 'vips',
  'cut-adverts': 'vips',
  'hand-edit': 'pools',
  'backend-stop': 'pools',
  'backend-slow': 'pools',
  'backend-flap': 'pools',
  'backend-degraded': 'pools',
  'fill-pool': 'pools',
  'ssh-refuse': 'nodes',
  'ssh-hang': 'nodes',
  'ssh-new-key': 'nodes',
} as const satisfies Record<TroubleId, 'vips' | 'pools' | 'nodes'>

export const pageOf = (id: TroubleId) => shownOn[id]
export const isTrouble = (id: PracticeScenarioId): id is TroubleId => Object.hasOwn(shownOn, id)
