import { computed, reactive, ref, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import type { DeadlineAction, NodeId, ServerView } from '#contract'
import { useDrainDraftStore, type DrainWishes } from '../../stores/drain-draft.ts'
import { useFleetStore } from '../../stores/fleet.ts'
import { useHostStore } from '../../stores/host.ts'
import { formatDuration } from '../../ui/format.ts'
import { parseLength } from './length-text.ts'

const namesShown = 3
/** the floor is typed: the plan is read again when the typing stops */
const replanAfterMs = 250

/** What an operator may say about a drain, as it stands in the fields. */
function blankForm() {
  return {
    reason: '',
    atLeast: 1,
    unit: 'servers' as 'servers' | 'percent',
    override: '',
    /** balancers that cannot be read follow later */
    later: false,
    everywhere: false,
    deadline: '',
    onDeadline: 'wait' as DeadlineAction,
    expires: '',
    then: 'nothing' as 'nothing' | 'maint',
    onViolation: 'reassert' as 'reassert' | 'alarm',
    order: 'together' as 'together' | 'oneByOne',
  }
}
export type DrainForm = ReturnType<typeof blankForm>

/** An empty field means none; null is what cannot be understood. */
export function lengthFrom(text: string): number | undefined | null {
  return text.trim() === '' ? undefined : parseLength(text)
}

/** The fields as the contract wants them. Times that cannot be understood must be refused before. */
export function wishesFrom(form: DrainForm): DrainWishes {
  const [deadlineMs, expiresMs] = [lengthFrom(form.deadline), lengthFrom(form.expires)]
  const overrideFloor = form.override.trim()
  return {
    floor: { atLeast: form.atLeast, unit: form.unit },
    unreachable: form.later ? 'later' : 'refuse',
    onViolation: form.onViolation,
    then: form.then,
    oneByOne: form.order === 'oneByOne',
    ...(overrideFloor === '' ? {} : { overrideFloor }),
    ...(deadlineMs ? { deadlineMs, onDeadline: form.onDeadline } : {}),
    ...(expiresMs ? { expiresMs } : {}),
  }
}

/** The sheet of a drain: its fields, the plan that follows from them, and why it cannot be started yet. */
export function useDrainSheet() {
  const { t } = useI18n()
  const fleet = useFleetStore()
  const host = useHostStore()
  const draft = useDrainDraftStore()
  const form = reactive(blankForm())
  const attempted = ref(false)

  const chosen = computed<ServerView[]>(() =>
    (draft.servers ?? []).flatMap((id) => {
      const server = fleet.servers.get(id)
      return server ? [server] : []
    }),
  )
  const names = computed(() => {
    const all = (draft.servers ?? []).map((id) => fleet.servers.get(id)?.name ?? id)
    return all.length > namesShown ? t('drains.sheet.many', { count: all.length }) : all.join(', ')
  })
  const nameOf = (id: NodeId) => fleet.nodes.get(id)?.name ?? id
  /** with its place: pools of several pairs may bear one name */
  function poolName(id: ServerView['poolId']): string {
    const pool = fleet.pools.get(id)
    return pool === undefined ? id : `${pool.name} (${pool.pair ?? pool.nodes.map(nameOf).join(', ')})`
  }

  /** The same addresses in other pools, which a drain by address takes out as well. */
  const elsewhere = computed(() => {
    const addresses = new Set(chosen.value.map(({ address }) => address))
    const own = new Set(draft.servers ?? [])
    return [...fleet.servers.values()].filter(
      ({ id, address, poolId }) => addresses.has(address) && !own.has(id) && fleet.pools.get(poolId)?.can.setState === true,
    )
  })

  const asked = computed(() => {
    const targets = form.everywhere
      ? [...new Set(chosen.value.map(({ address }) => address))]
      : [...(draft.servers ?? [])].map(String)
    return form.order === 'oneByOne' ? { targets, planned: targets.slice(0, 1) } : { targets, planned: targets }
  })

  function replan(): void {
    const { floor, unreachable } = wishesFrom(form)
    if (floor && Number.isInteger(floor.atLeast) && floor.atLeast >= 0) {
      void draft.replan(asked.value.planned, { floor, ...(unreachable ? { unreachable } : {}) })
    }
  }

  watch(
    () => draft.servers,
    (servers) => {
      if (servers === null) return
      Object.assign(form, blankForm())
      attempted.value = false
      replan()
    },
  )
  watch(
    () => [form.atLeast, form.unit, form.everywhere, form.order],
    (_now, _before, onCleanup) => {
      if (draft.servers === null) return
      const timer = setTimeout(replan, replanAfterMs)
      onCleanup(() => clearTimeout(timer))
    },
  )

  const faults = computed(() => ({
    deadline: lengthFrom(form.deadline) === null ? t('drains.options.badLength') : undefined,
    expires: lengthFrom(form.expires) === null ? t('drains.options.badLength') : undefined,
  }))
  const broken = computed(() => (draft.plan?.floor ?? []).filter(({ holds }) => !holds))

  const why = computed(() => {
    if (host.isViewer) return t('words.viewerOnly')
    if (draft.plan === null || draft.planning) return t('drains.why.plan')
    if (draft.plan.places.length === 0) return t('drains.why.nothing')
    if (draft.plan.unreachable.length > 0 && !form.later) return t('drains.why.unreachable')
    if (broken.value.length > 0 && form.override.trim() === '') return t('drains.why.floor')
    if (faults.value.deadline !== undefined || faults.value.expires !== undefined) return t('drains.why.length')
    return form.reason.trim() === '' ? t('drains.why.reason') : ''
  })

  /** What the folded options come to, in a line. */
  const summary = computed(() => {
    const [deadlineMs, expiresMs] = [lengthFrom(form.deadline), lengthFrom(form.expires)]
    return [
      t(`drains.options.summary.floor.${form.unit}`, { count: form.atLeast }),
      deadlineMs
        ? t('drains.options.summary.deadline', { span: formatDuration(deadlineMs) })
        : t('drains.options.summary.noDeadline'),
      expiresMs ? t('drains.options.summary.expires', { span: formatDuration(expiresMs) }) : t('drains.options.summary.byHand'),
      ...(form.then === 'maint' ? [t('drains.options.summary.maint')] : []),
      ...(form.onViolation === 'alarm' ? [t('drains.options.summary.alarm')] : []),
      ...(form.order === 'oneByOne' ? [t('drains.options.summary.oneByOne')] : []),
    ].join(' · ')
  })

  return {
    draft,
    form,
    attempted,
    names,
    nameOf,
    poolName,
    chosen,
    elsewhere,
    faults,
    broken,
    why,
    summary,
    replan,
    async start() {
      attempted.value = true
      if (why.value === '' && !draft.starting) await draft.start(asked.value.targets, form.reason.trim(), wishesFrom(form))
    },
  }
}

export type DrainSheetModel = ReturnType<typeof useDrainSheet>
