import { computed, reactive, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import type { DrillId, FaultKind, NodeId, RouterId } from '#contract'
import { useDrillDraftStore } from '../../stores/drill-draft.ts'
import { useFleetStore } from '../../stores/fleet.ts'

/** the plan is typed: its dry run is made again when the typing stops */
const dryRunAfterMs = 400

/** The sheet of a new drill: what is rehearsed, the plan that follows, its dry run, and why it cannot begin yet. */
export function useDrillSheet() {
  const { t } = useI18n()
  const fleet = useFleetStore()
  const draft = useDrillDraftStore()
  const form = reactive({
    router: '' as RouterId | '',
    fault: '' as FaultKind | '',
    port: 80 as number | '',
    name: '',
    reason: '',
  })

  const routers = computed(() => [...fleet.routers.values()].sort((a, b) => a.name.localeCompare(b.name)))
  const nameOf = (id: NodeId) => fleet.nodes.get(id)?.name ?? id
  /** who would get the fault */
  const node = computed(() => (draft.check?.node ? nameOf(draft.check.node) : ''))
  const places = computed(() => [draft.check?.node ?? [], draft.check?.alsoOn ?? []].flat().map(nameOf).join(', '))

  watch(
    () => draft.isOpen,
    (open) => open && Object.assign(form, { router: routers.value[0]?.id ?? '', fault: '', port: 80, name: '', reason: '' }),
  )
  watch([() => draft.isOpen, () => form.router], ([open, router]) => {
    form.fault = ''
    draft.text = ''
    if (open && router !== '') void draft.choose(router)
  })
  watch([() => form.fault, () => form.port], ([fault, port]) => {
    if (fault !== '' && form.router !== '' && Number.isInteger(port)) void draft.template(form.router, fault, Number(port))
  })
  watch(
    () => draft.text,
    (text, _before, onCleanup) => {
      draft.check = null
      if (text.trim() === '') return
      const timer = setTimeout(() => void draft.dryRun(), dryRunAfterMs)
      onCleanup(() => clearTimeout(timer))
    },
  )

  const why = computed(() => {
    if (draft.text.trim() === '') return t('drills.sheet.why.plan')
    if (draft.checking || draft.check === null) return t('drills.sheet.why.checking')
    if (!draft.check.ready) return t('drills.sheet.why.notReady')
    if (form.name.trim() !== node.value) return t('drills.sheet.why.confirm')
    return form.reason.trim() === '' ? t('drills.sheet.why.reason') : ''
  })

  return {
    draft,
    form,
    routers,
    node,
    places,
    nameOf,
    why,
    start: async (): Promise<DrillId | null> => (why.value === '' && !draft.starting ? draft.start(form.reason.trim()) : null),
  }
}
