import type { ConfigMirror } from './config-mirror.ts'
import { appErrorFrom } from './app-error.ts'
import type { Clock } from './ports/clock.ts'
import type { Log } from './ports/log.ts'
import type { SettingsService } from './settings-service.ts'

const lookEveryMs = 30_000

/** Keeps the mirror that the settings name up to date, by the process that may change things. What goes wrong is logged when it is news. */
export function createMirrorKeeper({
  mirror,
  settings,
  isDriver,
  clock,
  log,
}: {
  mirror: ConfigMirror
  settings: Pick<SettingsService, 'current'>
  isDriver: () => boolean
  clock: Clock
  log: Log
}) {
  const ending = new AbortController()
  let working: Promise<void> | null = null
  let complained = ''

  async function look(): Promise<void> {
    const { mirrorFolder } = settings.current()
    if (mirrorFolder === '' || !isDriver()) return
    try {
      await mirror(mirrorFolder, ending.signal)
      complained = ''
    } catch (thrown) {
      const { code, message } = appErrorFrom(thrown)
      if (!ending.signal.aborted && message !== complained) log.error('the mirror is behind', { code, error: message })
      complained = message
    }
  }

  async function keepLooking(): Promise<void> {
    while (!ending.signal.aborted) {
      await look()
      await clock.sleep(lookEveryMs, ending.signal).catch(() => undefined)
    }
  }

  return {
    watch(): void {
      working ??= keepLooking()
    },
    async stop(): Promise<void> {
      ending.abort(new Error('closing'))
      await working
    },
  }
}
