import { useI18n } from 'vue-i18n'
import type { AdminState } from '#contract'
import { maxServersOf, type Obstacle } from './server-actions.ts'

const namesShown = 3

/** Words an obstacle; the empty text means that nothing stands in the way. */
export function useObstacleText(): (obstacle: Obstacle | null, state: AdminState) => string {
  const { t } = useI18n()
  return (obstacle, state) => {
    if (obstacle === null) return ''
    if (obstacle.kind === 'viewer') return t('words.viewerOnly')
    const some = obstacle.names.slice(0, namesShown).join(', ')
    const rest = obstacle.names.length - namesShown
    const names = rest > 0 ? t('pools.more', { names: some, count: rest }) : some
    return t(`pools.why.${obstacle.kind}`, { names, max: maxServersOf(state) })
  }
}
