import { computed, reactive, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import type { Handover, NodeId } from '#contract'
import { useHostStore } from '../../stores/host.ts'
import { usePushDraftStore, type PushInput, type PushInputFile } from '../../stores/push-draft.ts'
import { usePushesStore } from '../../stores/pushes.ts'
import { nodesIn, takesServersAway } from './push-figures.ts'
import { usePushWords } from './use-push-words.ts'

/** numbers are typed: the plan is made again when the typing stops */
const replanAfterMs = 250
const leastGuardRoomS = 15

/** What an operator may say about a push, as it stands in the fields; an emptied number field holds ''. */
function blankForm() {
  return {
    reason: '',
    /** files that are not to be pushed now */
    without: new Set<string>(),
    watchS: 30 as number | '',
    guardS: '' as number | '',
    canary: '' as NodeId | '',
    waveSize: 4 as number | '',
    budget: 0 as number | '',
    allowCapacityLoss: false,
    allowVipMove: false,
    atRuntime: false,
    /** typed for production */
    name: '',
  }
}
export type PushForm = ReturnType<typeof blankForm>

export const fileKey = ({ nodeId, path }: Pick<PushInputFile, 'nodeId' | 'path'>): string => `${nodeId} ${path}`

const isCount = (value: unknown, least: number, most: number): value is number =>
  Number.isInteger(value) && Number(value) >= least && Number(value) <= most

/** The fields as the contract wants them; null while one of them holds no number that it takes. */
export function requestFrom(
  form: PushForm,
  files: readonly PushInputFile[],
  handover: Handover | null = null,
): PushInput | null {
  const { watchS, guardS, canary, waveSize, budget, allowCapacityLoss, allowVipMove, atRuntime } = form
  const chosen = files.filter((file) => !form.without.has(fileKey(file)))
  if (!isCount(watchS, 0, 600) || !isCount(waveSize, 1, 50) || !isCount(budget, 0, 50)) return null
  if (guardS !== '' && !isCount(guardS, 15, 900)) return null
  return {
    files: chosen,
    watchMs: watchS * 1000,
    waveSize,
    budget,
    allowCapacityLoss,
    allowVipMove,
    atRuntime,
    ...(handover === null ? {} : { handover }),
    ...(guardS === '' ? {} : { guardMs: guardS * 1000 }),
    // one that is not pushed to any more is nobody's canary
    ...(canary !== '' && chosen.some(({ nodeId }) => nodeId === canary) ? { canary } : {}),
  }
}

/** The sheet of a push: its fields, the plan that follows from them, and why it cannot be started yet. */
export function usePushSheet() {
  const { t } = useI18n()
  const host = useHostStore()
  const draft = usePushDraftStore()
  const pushes = usePushesStore()
  const words = usePushWords()
  const form = reactive(blankForm())

  const files = computed(() => draft.files ?? [])
  const request = computed(() => requestFrom(form, files.value, draft.handover))
  const nodes = computed(() => nodesIn(request.value?.files ?? []))
  /** what others, or a console that has ended, have left on the nodes of this push */
  const left = computed(() => pushes.left.filter(({ nodeId }) => nodes.value.includes(nodeId)))
  const changes = computed(() => (draft.plan?.targets ?? []).flatMap(({ diff }) => diff.changes))
  const refused = computed(() => (draft.checks ?? []).some(({ accepted }) => !accepted))
  const production = computed(() =>
    nodesIn(draft.plan?.targets ?? []).filter((id) => words.fleet.nodes.get(id)?.production ?? false),
  )
  /** the one whose name is typed */
  const guarded = computed(() => (production.value[0] === undefined ? '' : words.nameOf(production.value[0])))

  /** only what the plan and the daemons' answers depend on */
  const asked = computed(() => {
    if (request.value === null) return ''
    const { files: chosen, canary, waveSize, allowVipMove, atRuntime } = request.value
    return chosen.length === 0 ? '' : JSON.stringify([chosen, canary, waveSize, allowVipMove, atRuntime])
  })

  function replan(): void {
    if (request.value === null || request.value.files.length === 0) return
    void draft.replan(request.value)
    void pushes.look(nodes.value)
  }
  watch(
    () => draft.files,
    (now) => {
      if (now === null) return
      Object.assign(form, blankForm(), { allowVipMove: draft.handover !== null })
      replan()
    },
  )
  watch(asked, (_now, _before, onCleanup) => {
    if (draft.files === null) return
    const timer = setTimeout(() => draft.files !== null && replan(), replanAfterMs)
    onCleanup(() => clearTimeout(timer))
  })

  const why = computed(() => {
    if (host.isViewer) return t('words.viewerOnly')
    if (request.value === null) return t('push.why.number')
    if (request.value.files.length === 0) return t('push.why.files')
    const { watchMs = 0, guardMs } = request.value
    if (guardMs !== undefined && guardMs < watchMs + leastGuardRoomS * 1000) return t('push.why.guard')
    if (draft.plan === null) return t('push.why.plan')
    if (draft.plan.targets.length === 0) return t('push.why.nothing')
    if (draft.plan.refusals.length > 0) return t('push.why.refusal')
    if (left.value.length > 0) return t('push.why.standing')
    if (refused.value) return t('push.why.refused')
    if (draft.planning || draft.checks === null) return t('push.why.check')
    if (form.name.trim() !== guarded.value) return t('push.why.production')
    return form.reason.trim() === '' ? t('push.why.reason') : ''
  })

  /** What the folded options come to, in a line. */
  const summary = computed(() => {
    const { watchS, guardS, canary, waveSize, budget } = form
    const guard = guardS === '' ? Number(watchS) + 60 : guardS
    return [
      watchS === 0 ? t('push.options.summary.noWatch') : t('push.options.summary.watch', { count: watchS }),
      t('push.options.summary.guard', { count: guard }),
      canary === '' ? t('push.options.summary.standby') : t('push.options.summary.canary', { node: words.nameOf(canary) }),
      t('push.options.summary.waves', { count: waveSize }),
      t('push.options.summary.budget', { count: budget }, Number(budget)),
      ...(form.allowCapacityLoss ? [t('push.options.summary.capacity')] : []),
    ].join(' · ')
  })

  return {
    draft,
    form,
    files,
    nodes,
    left,
    production,
    guarded,
    why,
    summary,
    takesAway: computed(() => takesServersAway(changes.value)),
    replan,
    async start() {
      if (why.value === '' && request.value !== null && !draft.starting) await draft.start(request.value, form.reason.trim())
    },
  }
}

export type PushSheetModel = ReturnType<typeof usePushSheet>
