import { useI18n } from 'vue-i18n'
import { useRouter } from 'vue-router'
import { useOperate } from '../features/drains/use-operate.ts'
import { useAppearanceStore } from '../stores/appearance.ts'
import { useFleetStore } from '../stores/fleet.ts'
import { usePracticeStore } from '../stores/practice.ts'
import { fleetEntries, type PaletteEntry } from './palette-entries.ts'

const pages = [
  ['overview', '/'],
  ['pools', '/pools'],
  ['drains', '/drains'],
  ['nodes', '/nodes'],
  ['vips', '/vips'],
  ['config', '/config'],
  ['drills', '/drills'],
  ['history', '/history'],
  ['settings', '/settings'],
] as const
const languageNames = { en: 'English', ja: '日本語' } as const

const practiceSettings = { path: '/settings', query: { section: 'practice' } }

/** What the palette can reach now. Without a query only pages and commands of the window, so that it opens at once. */
export function usePaletteEntries(): (query: string) => Generator<PaletteEntry> {
  const { t } = useI18n()
  const router = useRouter()
  const fleet = useFleetStore()
  const operate = useOperate()
  const practice = usePracticeStore()
  const appearance = useAppearanceStore()

  const openPractice = async () => router.push((await practice.open()) ? '/' : practiceSettings)

  function* windowEntries(): Generator<PaletteEntry> {
    for (const [page, path] of pages) {
      yield { key: `page:${page}`, kind: 'page', label: t(`shell.page.${page}`), detail: '', run: () => void router.push(path) }
    }
    const command = (key: string, label: string, run: () => void): PaletteEntry => ({
      key: `command:${key}`,
      kind: 'command',
      label,
      detail: '',
      run,
    })
    yield command('refresh', t('shell.palette.refreshAll'), () => void fleet.refresh().catch(() => undefined))
    yield command('add', t('shell.palette.addNode'), () => void router.push({ path: '/nodes', query: { add: '' } }))
    const theme = appearance.shownTheme === 'dark' ? 'light' : 'dark'
    yield command('theme', t('shell.palette.theme', { theme: t(`shell.theme.${theme}`) }), () => (appearance.theme = theme))
    const language = appearance.language === 'en' ? 'ja' : 'en'
    yield command(
      'language',
      t('shell.palette.language', { language: languageNames[language] }),
      () => (appearance.language = language),
    )
    yield practice.state === 'closed'
      ? command('practice', t('practice.open'), () => void openPractice())
      : command('practice', t('practice.close.title'), () => void router.push(practiceSettings))
    yield command('fold', t('shell.palette.fold'), () => (appearance.activityOpen = !appearance.activityOpen))
  }

  return function* (query) {
    yield* windowEntries()
    if (query.trim() === '') return
    const parts = { nodes: fleet.nodes.values(), pools: fleet.pools, servers: fleet.servers.values() }
    yield* fleetEntries(parts, {
      go: (path, target) => void router.push({ path, query: target }),
      plan: (server, state) => operate([server.id], state),
      operation: (server, state) => t('shell.palette.operation', { verb: t(`words.verb.${state}`), server: server.name }),
    })
  }
}
