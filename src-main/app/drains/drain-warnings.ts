import type { DrainPlan } from '#contract'
import type { PlaceReading } from '../../domain/drain/place-reading.ts'
import { isDrained, isInMaintenance } from '../../domain/haproxy/server-state.ts'
import type { ServerTarget } from '../operations/server-targets.ts'

type Warning = DrainPlan['warnings'][number]

const reloadText =
  'nginx reloads its configuration for this, now and when it is put back, with everything else that was changed in it. A keep-alive client who sends a request just as a reload closes its idle connection loses it, unless it tries again; downloads and sessions go on, on old workers (worker_shutdown_timeout bounds that). What reduces it: keepalive_min_timeout, from nginx 1.27.4, or the virtual address on the other member of the pair meanwhile.'

/** What is odd about a server that is to leave, or about taking it out. */
export function warningsOf(target: ServerTarget, reading: PlaceReading): Warning[] {
  const { pool, server, nodeId } = target
  const subject = `${pool}/${server}`
  const warn = (rule: Warning['rule'], text: string): Warning => ({
    rule,
    subject,
    nodeId,
    text: `${subject} on ${nodeId}: ${text}`,
  })
  const found: Warning[] = []
  if (target.balancer !== 'haproxy') found.push(warn('needs-reload', reloadText))
  if (reading.agentCheck) found.push(warn('agent-check', 'its agent-check may undo the drain; the agent has the last word.'))
  if (reading.weight === 0) found.push(warn('weight-zero', 'its weight is 0 already; it will be 0 again when it is put back.'))
  if (isInMaintenance(reading.adminState)) found.push(warn('already-out', 'it is in maintenance already, and is left so.'))
  else if (isDrained(reading.adminState))
    found.push(warn('already-draining', 'it is being drained already, and will be afterwards.'))
  if (reading.oldSessions === null) {
    found.push(
      warn('old-workers-uncounted', 'what is on it cannot be counted on every worker, so it can never be proved empty.'),
    )
  }
  return found
}
