import { computed, reactive, ref, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import type { DeadlineAction, DrainWaves, NodeId, ServerId, ServerView } from '#contract'
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
    /** balancers that cannot be changed are left out, and listed as not done */
    leaveOut: false,
    everywhere: false,
    deadline: '',
    onDeadline: 'wait' as DeadlineAction,
    expires: '',
    then: 'nothing' as 'nothing' | 'maint',
    onViolation: 'reassert' as 'reassert' | 'alarm',
    order: 'together' as 'together' | 'waves',
    waveSize: 1,
    goOn: 'asked' as DrainWaves['goOn'],
  }
}
export type DrainForm = ReturnType<typeof blankForm>

/** A number field that is being typed in holds nothing, or half a number. */
const isCount = (value: unknown, least: number): boolean => Number.isInteger(value) && Number(value) >= least

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
    unchangeable: form.leaveOut ? 'leave-out' : 'refuse',
    onViolation: form.onViolation,
    then: form.then,
    ...(form.order === 'waves' ? { waves: { size: form.waveSize, goOn: form.goOn } } : {}),
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

  const targets = computed(() => draft.targets ?? [])
  /** an address stands for every server that has it */
  const chosen = computed<ServerView[]>(() => {
    const asked = new Set(targets.value)
    return [...fleet.servers.values()].filter(({ id, address }) => asked.has(id) || asked.has(address))
  })
  const names = computed(() => {
    const all = targets.value.map((target) => fleet.servers.get(target as ServerId)?.name ?? target)
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
    const own = new Set(chosen.value)
    return [...fleet.servers.values()].filter((server) => addresses.has(server.address) && !own.has(server))
  })

  const asked = computed(() => (form.everywhere ? [...new Set(chosen.value.map(({ address }) => address))] : targets.value))

  /** What a plan is asked with; null while a number is being typed. What cannot be changed, or not be read, is answered as a choice. */
  const question = computed(() => {
    const { floor, waves } = wishesFrom(form)
    if (!isCount(form.atLeast, 0) || !isCount(form.waveSize, 1)) return null
    return { ...(floor ? { floor } : {}), ...(waves ? { waves } : {}), unchangeable: 'leave-out' as const }
  })
  let planned = ''

  function replan(): void {
    if (question.value === null) return
    planned = JSON.stringify([asked.value, question.value])
    void draft.replan(asked.value, question.value)
  }

  watch(
    () => draft.targets,
    (now) => {
      if (now === null) return
      Object.assign(form, blankForm())
      attempted.value = false
      replan()
    },
  )
  watch(
    () => JSON.stringify([asked.value, question.value]),
    (now, _before, onCleanup) => {
      // Fields that are emptied for the next drain ask nothing that has not been asked.
      if (draft.targets === null || now === planned) return
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
    if (draft.plan.leftOut.length > 0 && !form.leaveOut) return t('drains.why.leftOut')
    if (broken.value.length > 0 && form.override.trim() === '') return t('drains.why.floor')
    if (form.order === 'waves' && form.goOn === 'healthy' && form.then === 'maint') return t('drains.why.unchecked')
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
      ...(form.order === 'waves' ? [t('drains.options.summary.waves', { count: form.waveSize }, form.waveSize)] : []),
    ].join(' · ')
  })

  return {
    draft,
    form,
    attempted,
    names,
    nameOf,
    poolName,
    /** there is something to divide into waves */
    several: computed(() => asked.value.length > 1),
    elsewhere,
    faults,
    broken,
    why,
    summary,
    replan,
    async start() {
      attempted.value = true
      if (why.value === '' && !draft.starting) await draft.start(asked.value, form.reason.trim(), wishesFrom(form))
    },
  }
}

export type DrainSheetModel = ReturnType<typeof useDrainSheet>
