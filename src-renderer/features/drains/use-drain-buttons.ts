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
  /** the one question before connections are cut, or before the rest of a series is dropped */
  const asking = shallowRef<'finish' | 'stop' | null>(null)

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
    /** a wave has a word of its own: put back, and go on */
    isWave: computed(() => drain().waves !== null),
    whyGoOn: whyNotKept,
    whyStop: computed(() => {
      if (host.isViewer) return t('words.viewerOnly')
      return drain().next.length === 0 ? t('drains.act.whyLastWave') : ''
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
    goOn: () => drains.steer('goOn', drain().id),
    async act(how: 'finishNow' | 'stopHere' | 'putBack') {
      asking.value = null
      await drains.steer(how, drain().id)
    },
  }
}
