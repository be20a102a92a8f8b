import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import type { Clock } from '../../../src-main/app/ports/clock.ts'
import type { Log } from '../../../src-main/app/ports/log.ts'
import type { Store } from '../../../src-main/app/ports/store.ts'
import { openStore } from '../../../src-main/store/open-store.ts'

/** A clock that stands still until it is told otherwise. */
export function stillClock(start = 1_700_000_000_000): Clock & { at: number } {
  return {
    at: start,
    now() {
      return this.at
    },
    monotonic: () => performance.now(),
    sleep: () => Promise.reject(new Error('this clock does not sleep')),
  }
}

export function keptLog(): Log & { lines: { level: string; message: string; fields: unknown }[] } {
  const lines: { level: string; message: string; fields: unknown }[] = []
  const at = (level: string) => (message: string, fields?: Record<string, unknown>) =>
    void lines.push({ level, message, fields })
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

const cleanUps: (() => void)[] = []
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp()
})

export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-store-'))
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A store in a folder of its own, closed and deleted after the test. */
export function tempStore(folder = join(tempFolder(), 'data')) {
  const clock = stillClock()
  const log = keptLog()
  const store: Store = openStore({ folder, clock, log })
  cleanUps.push(() => store.close())
  return { store, clock, log, folder }
}
