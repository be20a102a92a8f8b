import type { NodeId, Problem } from '#contract'
import type { Glyph } from '../../ui/state-glyph.vue'

export interface ProblemText {
  glyph: Glyph
  title: string
  reading: string
  /** where a click leads */
  to: { path: string; query: Record<string, string> }
}

/** `t` of vue-i18n, as far as it is needed here; a number chooses the plural. */
export type Translate = (key: string, values: Record<string, unknown>, plural?: number) => string

const NAMES_SHOWN = 6

/** Words one problem in the window's language. */
export function problemText(problem: Problem, t: Translate, nodeName: (id: NodeId) => string): ProblemText {
  const { data } = problem
  const text = (key: string) => String(data[key] ?? '')
  const list = (key: string) => {
    const value = data[key]
    return Array.isArray(value) ? value : []
  }
  const names = list('servers')
  const servers = names.slice(0, NAMES_SHOWN).join(' ') + (names.length > NAMES_SHOWN ? ` +${names.length - NAMES_SHOWN}` : '')
  const nodes = problem.nodes.map(nodeName).join(', ')
  const values = {
    router: text('router'),
    addresses: list('addresses').join(', '),
    holders: list('holders')
      .map((id) => nodeName(id as NodeId))
      .join(', '),
    outsiders: list('outsiders')
      .map((id) => nodeName(id as NodeId))
      .join(', '),
    moves: text('moves'),
    pool: text('pool'),
    count: names.length,
    total: text('total'),
    server: names[0] ?? '',
    servers,
    nodes,
    node: text('node'),
    service: text('service'),
    left: text('left'),
    check: text('check'),
    // One server is named by the title; several are named by what is read.
    subject: names.length === 1 ? text('pool') : servers,
  }
  const say = (key: string) => t(`overview.problem.${key}`, values)
  const plural = (key: string) => t(`overview.problem.${key}`, values, names.length)
  const toPool = { path: '/pools', query: { pool: problem.pool ?? '' } }
  const toVip = { path: '/vips', query: { router: problem.router ?? '' } }
  const toNode = { path: '/nodes', query: { node: problem.nodes[0] ?? '' } }

  switch (problem.kind) {
    case 'split-brain':
      return { glyph: 'split', title: say('splitBrain'), reading: say('splitBrainRead'), to: toVip }
    case 'no-owner':
      return { glyph: 'down', title: say('noOwner'), reading: say('noOwnerRead'), to: toVip }
    case 'duplicate-address':
      return { glyph: 'split', title: say('duplicate'), reading: say('duplicateRead'), to: toVip }
    case 'vip-flapping':
      return { glyph: 'degraded', title: say('flapping'), reading: say('flappingRead'), to: toVip }
    case 'zombie-vip':
      return { glyph: 'down', title: say('zombie'), reading: say('zombieRead'), to: toVip }
    case 'pool-empty':
      return { glyph: 'down', title: say('poolEmpty'), reading: say('poolEmptyRead'), to: toPool }
    case 'servers-down':
      return {
        glyph: 'down',
        title: say(names.length === 1 ? 'serverDown' : 'serversDown'),
        reading: say(values.check === '' ? 'serversLeft' : 'serversChecked'),
        to: toPool,
      }
    case 'server-degraded':
      return {
        glyph: 'degraded',
        title: plural('degraded'),
        reading: say(values.check === '' ? 'serversLeft' : 'serversChecked'),
        to: toPool,
      }
    case 'balancers-disagree':
      return { glyph: 'degraded', title: plural('disagree'), reading: say('disagreeRead'), to: toPool }
    case 'node-unreachable':
      return { glyph: 'unknown', title: say('unreachable'), reading: text('message'), to: toNode }
    case 'host-key':
      return { glyph: 'down', title: say('hostKey'), reading: text('message'), to: toNode }
    case 'service-unreadable':
      return { glyph: 'unknown', title: say('unreadable'), reading: text('message'), to: toNode }
  }
}
