import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { exhaustive } from '../exhaustive.ts'
import type { Order, PlaceCost } from './recorder-process.ts'
import { HOST_ADDRESS, NAMESPACE, startSshFleet } from './ssh-fleet.ts'

/** EVENKEEL_EXHAUSTIVE=1: as long as a long drill */
const SECONDS = exhaustive ? 600 : 30
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'
const TICK_MS = 10

/** What it costs to probe every 20 ms from the console and from two nodes. */
export async function benchRecorder(): Promise<void> {
  const fleet = await startSshFleet(2, 10)
  const server = createServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end(ANSWER))
  })
  try {
    server.listen(0, HOST_ADDRESS)
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the service has no port')
    const { nodes, knownHostsFile, privateKeyFile } = fleet
    const order: Order = {
      fleet: { nodes, knownHostsFile, privateKeyFile },
      host: HOST_ADDRESS,
      port: address.port,
      seconds: SECONDS,
    }
    const child = spawn(process.execPath, [join(import.meta.dirname, 'recorder-process.ts'), JSON.stringify(order)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let probersMs = new Map<string, number>()
    let last = ''
    for await (const line of createInterface(child.stdout)) {
      if (line === 'begin') probersMs = cpuOfProbers()
      else if (line === 'end') {
        probersMs = new Map([...cpuOfProbers()].map(([pid, ms]) => [pid, ms - (probersMs.get(pid) ?? 0)]))
        child.stdin.end()
      } else last = line
    }
    const { cores, places } = JSON.parse(last) as { cores: number; places: PlaceCost[] }
    const vantage = [...probersMs.values()].map((ms) => `${(ms / SECONDS / 10).toFixed(1)} %`)
    console.log(
      `\n(h) probes every 20 ms from three places for ${SECONDS} s (goals: under 5 % of a core, p99 of the schedule under 5 ms)`,
    )
    console.log(`  console ${(cores * 100).toFixed(1)} % of a core; programs on the nodes ${vantage.join(', ')}`)
    for (const { place, sent, missed, failed, p50LateMs, p99LateMs } of places) {
      console.log(
        `  ${place.padEnd(8)} ${sent} sent, ${missed} slots missed, ${failed} failed; late p50 ${p50LateMs.toFixed(2)} ms, p99 ${p99LateMs.toFixed(2)} ms`,
      )
    }
  } finally {
    server.close()
    fleet.stop()
  }
}

/** Milliseconds of CPU of the probers on the nodes, by pid. */
function cpuOfProbers(): Map<string, number> {
  const pids = execFileSync('ip', ['netns', 'pids', NAMESPACE], { encoding: 'utf8' }).split('\n').filter(Boolean)
  const stats = pids.map((pid) => [pid, readFileSync(`/proc/${pid}/stat`, 'utf8')] as const)
  return new Map(
    stats
      .filter(([, stat]) => /\((perl|python3.*)\)/.test(stat))
      .map(([pid, stat]) => {
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        return [pid, (Number(fields[11]) + Number(fields[12])) * TICK_MS]
      }),
  )
}
