import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerSample } from '../../src-main/app/ports/store.ts'
import { openStore } from '../../src-main/store/open-store.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { silentLog } from '../contract/silent-log.ts'

/** Few enough that every reading is stored (the store thins larger fleets to 1000 rows per second). */
const SERVERS = 1000
const ROUNDS = 120
const ROUND_MS = 2000

/** Figures per sample row: sessions, queue, rate, error rate, response time. */
const FIGURES = 5

export async function benchSamples(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-samples-'))
  try {
    const store = openStore({ folder, clock: systemClock, log: silentLog })
    const firstAt = Date.now() - ROUNDS * ROUND_MS
    let spentMs = 0
    for (let round = 0; round < ROUNDS; round++) {
      const samples: ServerSample[] = Array.from({ length: SERVERS }, (_, index) => ({
        key: `edge/haproxy/web/web${index}@lb1`,
        sessions: (index + round) % 97,
        queue: 0,
        rate: ((index * 7 + round) % 1000) / 10,
        errorRate: 0,
        responseMs: (index + round) % 30,
        state: 'up',
      }))
      const start = performance.now()
      store.samples.write(firstAt + round * ROUND_MS, samples, [])
      // A round is written between other events: wait until it is over, as the next poll would.
      await new Promise((resolve) => setImmediate(resolve))
      spentMs += performance.now() - start
    }
    const closing = performance.now()
    store.close()
    spentMs += performance.now() - closing
    const bytes = statSync(join(folder, 'metrics.db')).size
    const rows = SERVERS * ROUNDS
    console.log(`\n(c) samples: ${SERVERS} servers, ${ROUNDS} rounds`)
    console.log(
      `  ${Math.round((rows / spentMs) * 1000)} rows/s, ${Math.round((rows * FIGURES * 1000) / spentMs)} figures/s, ${(bytes / rows).toFixed(1)} bytes/row, ${(bytes / rows / FIGURES).toFixed(1)} bytes/figure`,
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}
