import type { Clock } from '../../app/ports/clock.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import type { InstanceReading } from '../../domain/fleet/reading.ts'
import { parseArping, type Neighbour } from '../../domain/keepalived/parse-segment.ts'
import { runScript } from '../linux/run.ts'

/**
 * $1 $2, $3 $4, …: interface and address. iputils' arping prints every answer that comes until it is interrupted; it sends one question
 * from the node's own address, which changes nobody's table. 3: there is no arping.
 */
const script = `
PATH="$PATH:/usr/sbin:/sbin:/usr/bin:/bin"
command -v arping >/dev/null 2>&1 && command -v timeout >/dev/null 2>&1 || exit 3
while [ $# -gt 1 ]; do
  timeout -s INT 0.3 arping -b -I "$1" "$2" 2>/dev/null &
  shift 2
done
wait
`
const askedAtMost = 16
const timeoutMs = 3000

export interface SegmentAsker {
  /** what was answered to the question of the reading before, and how long ago */
  answers(): Promise<{ answers: Neighbour[]; ageMs: number }>
  /** Asks who has the addresses that this node has not itself; nobody waits for it. */
  ask(session: NodeSession, instances: readonly InstanceReading[], limits: CallLimits): void
}

/** An answer takes a moment for which no reading should wait: the segment is asked after a reading, and heard at the next one. */
export function createSegmentAsker(clock: Clock): SegmentAsker {
  let heard: Promise<{ answers: Neighbour[]; at: number }> | null = null
  let able = true

  async function askNow(session: NodeSession, targets: readonly string[], limits: CallLimits) {
    const { code, stdout } = await runScript(session, script, targets, { ...limits, timeoutMs, maxBytes: 256 * 1024 })
    able = code !== 3
    return { answers: parseArping(stdout.toString('utf8')), at: clock.monotonic() }
  }

  return {
    async answers() {
      const last = await heard
      heard = null
      return { answers: last?.answers ?? [], ageMs: last === null ? 0 : Math.round(clock.monotonic() - last.at) }
    },
    ask(session, instances, limits) {
      const targets = instances.flatMap(({ interface: device, addresses, kernelAddresses }) =>
        addresses.flatMap((address) =>
          address.includes(':') || kernelAddresses.includes(address) || device === '' ? [] : [[device, address] as const],
        ),
      )
      if (!able || targets.length === 0) return
      heard ??= askNow(session, targets.slice(0, askedAtMost).flat(), limits).catch(
        // one source of several, and the connection's own trouble is told by whoever else uses it
        () => ({ answers: [], at: clock.monotonic() }),
      )
    },
  }
}
