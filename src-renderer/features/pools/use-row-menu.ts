import { computed, ref, shallowRef } from 'vue'
import { useI18n } from 'vue-i18n'
import type { ServerView } from '#contract'
import type { TableRow } from './pool-rows.ts'
import { operations } from './server-actions.ts'
import { useObstacleText } from './use-obstacle-text.ts'
import type { PoolsPage } from './use-pools-page.ts'

/** The menu of a row: about the selection when the row is in it, about all servers of a pool on the pool's own row. */
export function useRowMenu(page: PoolsPage, openDrawer: (id: string) => void) {
  const { t } = useI18n()
  const wordObstacle = useObstacleText()
  const isOpen = ref(false)
  const at = ref({ x: 0, y: 0 })
  const row = shallowRef<TableRow | null>(null)
  const subjects = computed<readonly ServerView[]>(() => {
    if (row.value?.type === 'group') return row.value.servers
    return row.value?.type === 'server' ? page.selectedServers.value : []
  })
  const title = computed(() => {
    const [only] = subjects.value
    if (row.value?.type === 'group') return t('pools.menu', { name: row.value.title })
    return only && subjects.value.length === 1
      ? t('pools.menu', { name: only.name })
      : t('pools.menuMany', { count: subjects.value.length })
  })
  const entries = computed(() => [
    ...(row.value?.type === 'server' ? [{ key: 'open', label: t('pools.action.open'), shortcut: '↵', why: '' }] : []),
    ...operations.map(({ state, key }) => ({
      key: state,
      label: t(`words.verb.${state}`),
      // a pool's own row has no keys: they act on the selection
      shortcut: row.value?.type === 'server' ? key.toUpperCase() : '',
      why: wordObstacle(page.obstacle(state, subjects.value), state),
    })),
  ])

  return {
    isOpen,
    at,
    title,
    entries,
    show(target: TableRow, point: { x: number; y: number }) {
      row.value = target
      at.value = point
      isOpen.value = true
    },
    choose(key: string) {
      const operation = operations.find(({ state }) => state === key)
      if (operation) page.operate(operation.state, subjects.value)
      else if (row.value?.type === 'server') openDrawer(row.value.key)
    },
  }
}
