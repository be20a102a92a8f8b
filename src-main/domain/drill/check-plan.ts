/** What is wrong with a plan that its shape does not show. */
import type { DrillPlan, FaultKind } from '#contract'

export interface PlanFault {
  readonly severity: 'error' | 'warning'
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** Both members hold the address while it stands. */
export const splits: ReadonlySet<FaultKind> = new Set(['adverts-blocked', 'keepalived-kill', 'isolate', 'site-loss'])

export function checkPlan({ fault, expect, steadyState, abort, holdMs, guardMs, probe }: DrillPlan): PlanFault[] {
  const faults: PlanFault[] = []
  const say = (severity: PlanFault['severity'], path: PlanFault['path'], message: string): void =>
    void faults.push({ severity, path, message })
  if (abort.outageMs < expect.outageMs) {
    say(
      'error',
      ['abort', 'outageMs'],
      `it would be aborted at ${abort.outageMs} ms, before the ${expect.outageMs} ms that are expected are over`,
    )
  }
  if (holdMs < expect.outageMs) {
    say(
      'error',
      ['holdMs'],
      `the fault stands for ${holdMs} ms, and the outage that is expected may take ${expect.outageMs} ms`,
    )
  }
  if (probe.everyMs * 5 > expect.outageMs) {
    say(
      'error',
      ['probe', 'everyMs'],
      `one probe in ${probe.everyMs} ms cannot tell an outage of ${expect.outageMs} ms from none`,
    )
  }
  if (steadyState.forMs < probe.everyMs * 20) {
    say('error', ['steadyState', 'forMs'], 'fewer than 20 probes say nothing about how things were before')
  }
  if (splits.has(fault.kind) && abort.twoOwnersMs < holdMs) {
    say(
      'warning',
      ['abort', 'twoOwnersMs'],
      `${fault.kind} leaves two holders of the address: this ends the drill after ${abort.twoOwnersMs} ms`,
    )
  }
  if (probe.kind === 'tcp' && probe.webSocketPath !== undefined) {
    say('error', ['probe', 'webSocketPath'], 'a WebSocket begins with a request over HTTP: set "kind: http"')
  }
  if (guardMs > 120_000) say('warning', ['guardMs'], 'should the console be lost, the fault stands for that long')
  return faults
}
