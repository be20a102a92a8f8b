import type { Settings } from '#contract'
import type { Publish } from './handlers-type.ts'
import type { SettingsRepo } from './ports/store.ts'

export interface SettingsService {
  current(): Settings
  put(settings: Settings): Settings
  /** Look whether another shell changed the stored settings; for viewers. */
  reload(): void
  onChange(listener: (settings: Settings) => void): void
}

export function createSettingsService(repo: SettingsRepo, publish: Publish): SettingsService {
  const listeners: ((settings: Settings) => void)[] = []
  let settings = repo.load()

  function adopt(next: Settings): Settings {
    settings = next
    for (const listener of listeners) listener(next)
    publish('settings.changed', next)
    return next
  }

  return {
    current: () => settings,
    put(next) {
      repo.save(next)
      return adopt(next)
    },
    reload() {
      const stored = repo.load()
      if (JSON.stringify(stored) !== JSON.stringify(settings)) adopt(stored)
    },
    onChange: (listener) => void listeners.push(listener),
  }
}
