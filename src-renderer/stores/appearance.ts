import { defineStore } from 'pinia'
import { computed, ref, shallowRef, watchEffect } from 'vue'

export const themes = ['system', 'light', 'dark'] as const
export const densities = ['compact', 'comfortable'] as const
export const languages = ['en', 'ja'] as const
export type Theme = (typeof themes)[number]
export type Density = (typeof densities)[number]
export type Language = (typeof languages)[number]

const KEY = 'evenkeel.appearance'

interface Stored {
  theme: Theme
  density: Density
  language: Language
  activityOpen: boolean
}

/** What was kept is data from outside: every field that is not one of ours falls back. */
export function appearanceFrom(text: string | null, preferred: readonly string[]): Stored {
  const kept = parse(text)
  const oneOf = <T extends string>(list: readonly T[], value: unknown, otherwise: T): T =>
    list.find((one) => one === value) ?? otherwise
  return {
    theme: oneOf(themes, kept['theme'], 'system'),
    density: oneOf(densities, kept['density'], 'compact'),
    language: oneOf(languages, kept['language'], preferred[0]?.toLowerCase().startsWith('ja') ? 'ja' : 'en'),
    activityOpen: kept['activityOpen'] !== false,
  }
}

function parse(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {} // not JSON: as if nothing had been kept
  }
}

/** How the window looks: theme, density, language, and whether the activity panel is open. Kept in this browser profile. */
export const useAppearanceStore = defineStore('appearance', () => {
  const kept = appearanceFrom(localStorage.getItem(KEY), navigator.languages)
  const theme = ref(kept.theme)
  const density = ref(kept.density)
  const language = ref(kept.language)
  const activityOpen = ref(kept.activityOpen)

  const systemDark = matchMedia('(prefers-color-scheme: dark)')
  const isSystemDark = shallowRef(systemDark.matches)
  systemDark.addEventListener('change', (event) => (isSystemDark.value = event.matches))
  const shownTheme = computed(() => (theme.value === 'system' ? (isSystemDark.value ? 'dark' : 'light') : theme.value))

  watchEffect(() => {
    const stored: Stored = {
      theme: theme.value,
      density: density.value,
      language: language.value,
      activityOpen: activityOpen.value,
    }
    localStorage.setItem(KEY, JSON.stringify(stored))
    const root = document.documentElement
    root.dataset['theme'] = shownTheme.value
    root.dataset['density'] = density.value
    root.lang = language.value
  })

  return { theme, density, language, activityOpen, shownTheme }
})
