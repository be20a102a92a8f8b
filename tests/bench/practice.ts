import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const NODES = 50
const SERVERS = 500
const SECONDS = 30

interface Cost {
  openMs: number
  firstLightMs: number
  read: number
  nodes: number
  servers: number
  mainCores: number
  fleetCores: number
  collectorCores: number
  peakRssMb: number
  longestStallMs: number
  answered: number
  failed: number
}

/** What a large practice fleet costs beside the console that watches it. */
export async function benchPractice(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-practice-'))
  try {
    const child = await promisify(execFile)(
      process.execPath,
      // the flag that the package's bin gives the shells
      [
        '--max-semi-space-size=8',
        join(import.meta.dirname, 'practice-process.ts'),
        folder,
        `${NODES}`,
        `${SERVERS}`,
        `${SECONDS}`,
      ],
      { maxBuffer: 1e7 },
    )
    const cost = JSON.parse(child.stdout.trim().split('\n').at(-1) ?? '{}') as Cost
    console.log(
      `\n(e) the practice fleet, ${NODES} nodes × ${SERVERS} servers, beside the console that reads it at 2 s, for ${SECONDS} s`,
    )
    console.log(
      `  open after ${(cost.openMs / 1000).toFixed(1)} s, ${cost.read} of ${cost.nodes} nodes and ${cost.servers} servers read after ${(cost.firstLightMs / 1000).toFixed(1)} s more`,
    )
    console.log(
      `  console's thread ${cost.mainCores.toFixed(2)} cores, longest stall ${cost.longestStallMs.toFixed(0)} ms; its collectors ${cost.collectorCores.toFixed(2)} cores, the fleet ${cost.fleetCores.toFixed(2)} cores; ${cost.peakRssMb.toFixed(0)} MB resident at most`,
    )
    console.log(`  clients: ${cost.answered} answered, ${cost.failed} failed`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
