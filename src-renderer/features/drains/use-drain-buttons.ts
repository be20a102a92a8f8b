import { computed, shallowRef } from 'vue'
import { useI18n } from 'vue-i18n'
import type { DrainView } from '#contract'
import { useDrainsStore } from '../../stores/drains.ts'
import { useFleetStore } from '../../stores/fleet.ts'
import { useHostStore } from '../../stores/host.ts'
import { canPutBack, isKept } from './drain-figures.ts'

/** What can be done to a drain now, and why not. */
export function useDrainButtons(drain: () => DrainView, left: () => number | null) {
  const { t } = useI18n()
  const host = useHostStore()
  const fleet = useFleetStore()
  const drains = useDrainsStore()
  /** the one question before connections are cut */
  const asking = shallowRef(false)

  const whyNotKept = computed(() => {
    if (host.isViewer) return t('words.viewerOnly')
    if (isKept(drain())) return ''
    if (drain().endedAt !== null) return t('drains.act.whyOver')
    return t(drain().state === 'failed' ? 'drains.act.whyFailed' : 'drains.act.whyBack')
  })
  const isHeld = computed(() => drain().heldSince !== null)

  return {
    drains,
    asking,
    isHeld,
    whyHold: whyNotKept,
    whyFinish: computed(() => {
      if (whyNotKept.value !== '') return whyNotKept.value
      if (drain().finishing) return t('drains.act.whyFinishing')
      return drain().emptyAt !== null && left() === 0 ? t('drains.act.whyEmpty') : ''
    }),
    whyPutBack: computed(() => {
      if (host.isViewer) return t('words.viewerOnly')
      if (canPutBack(drain())) return ''
      return t(drain().endedAt !== null ? 'drains.act.whyOver' : 'drains.act.whyBack')
    }),
    nodes: computed(() => [...new Set(drain().places.map(({ nodeId }) => fleet.nodes.get(nodeId)?.name ?? nodeId))].join(', ')),
    busy: computed(() => drains.steering && drains.steered === drain().id),
    error: computed(() => (drains.steered === drain().id ? drains.steerError : null)),
    hold: () => drains.steer(isHeld.value ? 'resume' : 'hold', drain().id),
    putBack: () => drains.steer('putBack', drain().id),
    async finish() {
      asking.value = false
      await drains.steer('finishNow', drain().id)
    },
  }
}
