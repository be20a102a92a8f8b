import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startSshFleet } from './ssh-fleet.ts'

const NODES = 100
const SERVERS = 500
const SECONDS = 30

interface Cost {
  read: number
  servers: number
  firstLightMs: number
  cores: number
  peakRssMb: number
  longestStallMs: number
  deltasPerS: number
  encodedMbPerS: number
  oldestMs: number
}

/** What watching a large fleet at the default pace costs the main process. */
export async function benchWatch(): Promise<void> {
  const fleet = await startSshFleet(NODES, SERVERS)
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-watch-'))
  try {
    const inventory = join(folder, 'inventory.json')
    const nodes = fleet.nodes.map(({ name, host, port }) => ({
      id: name,
      name,
      ssh: { host, port, user: 'root', identityFile: fleet.privateKeyFile, knownHostsFile: fleet.knownHostsFile, auth: 'key' },
    }))
    writeFileSync(inventory, JSON.stringify({ version: 1, fleet: 'bench', nodes }))
    const child = await promisify(execFile)(
      process.execPath,
      // the flag that the package's bin gives the shells
      [
        '--max-semi-space-size=8',
        join(import.meta.dirname, 'watch-process.ts'),
        join(folder, 'data'),
        inventory,
        String(SECONDS),
      ],
      { maxBuffer: 1e7 },
    )
    const cost = JSON.parse(child.stdout.trim().split('\n').at(-1) ?? '{}') as Cost
    console.log(
      `\n(d) watching ${NODES} nodes × ${SERVERS} servers at 2 s for ${SECONDS} s (goal: under 0.5 cores and 400 MB in the main process)`,
    )
    console.log(
      `  ${cost.cores.toFixed(2)} cores, ${cost.peakRssMb.toFixed(0)} MB resident at most, longest stall ${cost.longestStallMs.toFixed(0)} ms, ${cost.encodedMbPerS.toFixed(1)} MB/s of deltas encoded`,
    )
    console.log(
      `  ${cost.read} of ${NODES} nodes and ${cost.servers} servers read; first light after ${(cost.firstLightMs / 1000).toFixed(1)} s; oldest figure at the end ${cost.oldestMs} ms`,
    )
  } finally {
    fleet.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
