import type { DrillVerdict, HistoryEntry, JobOutcome, NodeId, PushState, ServerState } from '#contract'
import type { Glyph } from '../../ui/state-glyph.vue'
import { stateOrder } from '../../words/state-order.ts'

export interface EntryText {
  glyph: Glyph
  title: string
  detail: string
}

/** `t` of vue-i18n, as far as it is needed here. */
export type Translate = (key: string, values?: Record<string, unknown>) => string
type Data = HistoryEntry['data']

const outcomeGlyphs: Record<JobOutcome, Glyph> = {
  succeeded: 'done',
  failed: 'down',
  cancelled: 'undone',
  'rolled-back': 'undone',
  'rollback-failed': 'down',
  'needs-operator': 'degraded',
}
const isOutcome = (value: string): value is JobOutcome => Object.hasOwn(outcomeGlyphs, value)
export const outcomeGlyph = (outcome: string): Glyph => (isOutcome(outcome) ? outcomeGlyphs[outcome] : 'info')

const drainGlyphs = {
  'drain.started': 'draining',
  'drain.violated': 'degraded',
  'drain.repaired': 'draining',
  'drain.empty': 'drained',
  'drain.ended': 'done',
} as const

/** Words one line of the history in the window's language. Data of an older version may lack a field: it is left out, never invented. */
export function entryText(entry: HistoryEntry, t: Translate, nodeName: (id: NodeId) => string): EntryText {
  const { data } = entry
  const node = entry.nodeId === null ? '' : nodeName(entry.nodeId)
  switch (entry.kind) {
    case 'server.state': {
      const state = stateFrom(data['to'])
      return {
        glyph: state,
        title: t('history.entry.serverState', { server: text(data, 'server'), state: t(`words.state.${state}`) }),
        detail: t('history.entry.serverDetail', {
          from: t(`words.state.${stateFrom(data['from'])}`),
          word: text(data, 'word'),
        }),
      }
    }
    case 'node.connection':
      return connectionText(data, t, node)
    case 'router.state':
      return {
        glyph: data['to'] === 'FAULT' ? 'down' : 'info',
        title: t('history.entry.routerState', { router: text(data, 'router'), state: text(data, 'to') }),
        detail: data['from'] ? t('history.entry.routerFrom', { from: text(data, 'from') }) : '',
      }
    case 'router.holder':
      return holderText(data, t, nodeName)
    case 'service.restarted':
      return {
        glyph: 'running',
        title: t('history.entry.restarted', { service: text(data, 'service') }),
        detail: t('history.entry.restartedDetail', { version: text(data, 'version'), pid: text(data, 'pid') }),
      }
    case 'operation.started':
      return {
        glyph: 'running',
        title: text(data, 'title'),
        detail: t('history.entry.started', { by: text(data, 'requestedBy') }),
      }
    case 'operation.ended': {
      const outcome = text(data, 'outcome')
      const word = isOutcome(outcome) ? t(`history.outcome.${outcome}`) : outcome
      return { glyph: outcomeGlyph(outcome), title: text(data, 'title'), detail: t('history.entry.ended', { outcome: word }) }
    }
    case 'drain.started':
    case 'drain.violated':
    case 'drain.repaired':
    case 'drain.empty':
    case 'drain.ended':
      return drainText(entry.kind, data, t)
    case 'push.started':
    case 'push.ended':
    case 'push.settled':
      return pushText(entry.kind, data, t, node)
    case 'drill.started':
    case 'drill.ended':
    case 'drill.skipped':
      return drillText(entry.kind, data, t, node)
    case 'inventory.changed':
      return {
        glyph: 'info',
        title: t('history.entry.inventory'),
        detail: t('history.entry.inventoryDetail', {
          added: listOf(data, 'added').length,
          updated: listOf(data, 'updated').length,
          removed: listOf(data, 'removed').length,
        }),
      }
    case 'host-key.trusted':
      return {
        glyph: 'done',
        title: t('history.entry.hostKey', { host: text(data, 'host') || entry.subject }),
        detail: text(data, 'fingerprint'),
      }
  }
}

type DrainKind = keyof typeof drainGlyphs
const drainWords: Record<DrainKind, string> = {
  'drain.started': 'drainStarted',
  'drain.violated': 'drainViolated',
  'drain.repaired': 'drainRepaired',
  'drain.empty': 'drainEmpty',
  'drain.ended': 'drainEnded',
}

/** Main's title begins with the verb of the operation, `Drain be_web/web1 on lb1`; here the event is the verb. */
function drainText(kind: DrainKind, data: Data, t: Translate): EntryText {
  const what = text(data, 'title').replace(/^Drain /, '')
  const began = t('history.entry.drainWhy', { reason: text(data, 'reason'), owner: text(data, 'owner') })
  return {
    glyph: drainGlyphs[kind],
    title: t(`history.entry.${drainWords[kind]}`, { what }),
    detail: kind === 'drain.started' ? began : text(data, 'text'),
  }
}

export const pushGlyphs: Record<PushState, Glyph> = {
  running: 'running',
  undoing: 'running',
  succeeded: 'done',
  'rolled-back': 'undone',
  failed: 'down',
  interrupted: 'degraded',
}
const isPushState = (value: string): value is PushState => Object.hasOwn(pushGlyphs, value)

/** Main's title begins with the verb, `Push /etc/haproxy/haproxy.cfg to lb1`; here the event is the verb. */
function pushText(kind: 'push.started' | 'push.ended' | 'push.settled', data: Data, t: Translate, node: string): EntryText {
  const what = text(data, 'title').replace(/^Push /, '')
  if (kind === 'push.started') {
    const detail = t('history.entry.pushWhy', { reason: text(data, 'reason'), author: text(data, 'author') })
    return { glyph: 'info', title: t('history.entry.pushStarted', { what }), detail }
  }
  if (kind === 'push.ended') {
    const state = text(data, 'state')
    const known = isPushState(state) ? state : 'failed'
    const title = t('history.entry.pushEnded', { what, state: t(`history.pushState.${known}`) })
    return { glyph: pushGlyphs[known], title, detail: text(data, 'said') }
  }
  const key = data['how'] === 'keep' ? 'pushKept' : 'pushRestored'
  return {
    glyph: data['how'] === 'keep' ? 'done' : 'undone',
    title: t(`history.entry.${key}`, { service: text(data, 'service'), node, owner: text(data, 'owner') }),
    detail: t('history.entry.pushWhy', { reason: text(data, 'reason'), author: text(data, 'by') }),
  }
}

const drillGlyphs: Record<DrillVerdict, Glyph> = { proven: 'done', refuted: 'down', untested: 'unknown' }
const isVerdict = (value: string): value is DrillVerdict => Object.hasOwn(drillGlyphs, value)

function drillText(kind: 'drill.started' | 'drill.ended' | 'drill.skipped', data: Data, t: Translate, node: string): EntryText {
  const what = text(data, 'title')
  if (kind === 'drill.skipped')
    return { glyph: 'info', title: t('history.entry.drillSkipped', { what }), detail: text(data, 'why') }
  if (kind === 'drill.started') {
    const detail = t('history.entry.pushWhy', { reason: text(data, 'reason'), author: text(data, 'author') })
    return { glyph: 'running', title: t('history.entry.drillStarted', { what, node }), detail }
  }
  const verdict = text(data, 'verdict')
  const known = isVerdict(verdict) ? verdict : 'untested'
  const report = t('history.entry.drillReport', { sha256: text(data, 'report') })
  const restored = data['restored'] === false ? t('history.entry.drillNotRestored') : ''
  return {
    glyph: data['restored'] === false ? 'down' : drillGlyphs[known],
    title: t('history.entry.drillEnded', { what, verdict: t(`history.drillVerdict.${known}`) }),
    detail: [restored, report].filter((part) => part !== '').join(' '),
  }
}

function connectionText(data: Data, t: Translate, node: string): EntryText {
  const to = text(data, 'to')
  const detail = text(data, 'message')
  if (to === 'connected') return { glyph: 'up', title: t('history.entry.connected', { node }), detail }
  if (to === 'waiting') return { glyph: 'unknown', title: t('history.entry.unreachable', { node }), detail }
  if (to === 'refused') return { glyph: 'down', title: t('history.entry.refused', { node }), detail }
  return { glyph: 'info', title: t('history.entry.connection', { node, state: to }), detail }
}

function holderText(data: Data, t: Translate, nodeName: (id: NodeId) => string): EntryText {
  const names = (key: string) =>
    listOf(data, key)
      .map((id) => nodeName(id as NodeId))
      .join(', ') || t('history.entry.nobody')
  const router = text(data, 'router')
  const detail = t('history.entry.addresses', { addresses: listOf(data, 'addresses').join(', '), from: names('from') })
  switch (data['verdict']) {
    case 'split-brain':
      return { glyph: 'split', title: t('history.entry.splitBrain', { router }), detail }
    case 'no-owner':
      return { glyph: 'down', title: t('history.entry.noOwner', { router }), detail }
    case 'duplicate':
      return { glyph: 'split', title: t('history.entry.duplicate', { router }), detail }
    case 'zombie':
      return { glyph: 'down', title: t('history.entry.zombie', { router }), detail }
    default:
      return { glyph: 'done', title: t('history.entry.held', { router, holders: names('to') }), detail }
  }
}

const text = (data: Data, key: string): string => {
  const value = data[key]
  return value === null || value === undefined ? '' : String(value)
}
const listOf = (data: Data, key: string): string[] => {
  const value = data[key]
  return Array.isArray(value) ? value : []
}
const stateFrom = (value: unknown): ServerState => stateOrder.find((state) => state === value) ?? 'unknown'
