import type { CheckResult } from '../../traffic/traffic.ts'
import { adminBits, type LiveServer } from './backend.ts'

/** check_status as `show servers state` counts it, and check_desc */
const checkWords: Readonly<Record<CheckResult['word'] | 'INI', readonly [number, string]>> = {
  INI: [1, 'Initializing'],
  L4OK: [6, 'Layer4 check passed'],
  L4TOUT: [7, 'Layer4 timeout'],
  L4CON: [8, 'Layer4 connection problem'],
  L7TOUT: [12, 'Layer7 timeout'],
  L7RSP: [13, 'Layer7 invalid response'],
  L7OK: [15, 'Layer7 check passed'],
  L7STS: [17, 'Layer7 wrong status'],
}

export const checkNumber = ({ server }: LiveServer): number => checkWords[server.lastCheck?.word ?? 'INI'][0]
export const checkText = ({ server }: LiveServer): string => checkWords[server.lastCheck?.word ?? 'INI'][1]

export const inMaintenance = ({ admin }: LiveServer): boolean => (admin & adminBits.forcedMaint) !== 0

/** A check that is configured, switched on and not paused by maintenance. */
export const isChecked = (live: LiveServer): boolean =>
  live.settings.check !== null && live.server.checked && !inMaintenance(live)

/** The word of `show stat` (stats_fill_sv_stats() of 2.6). */
export function statusWord(live: LiveServer): string {
  const { server, settings } = live
  const { rise, fall } = settings
  if (inMaintenance(live)) return 'MAINT'
  const checked = isChecked(live)
  if (live.agentDown) return 'DOWN (agent)'
  if (server.up && server.ejectedUntil === null) {
    const falling = checked && server.health < rise + fall - 1 ? ` ${server.health - rise + 1}/${fall}` : ''
    if ((live.admin & adminBits.forcedDrain) !== 0) return live.agentEnabled ? 'DRAIN (agent)' : `DRAIN${falling}`
    return checked ? `UP${falling}` : 'no check'
  }
  return server.health > 0 && server.ejectedUntil === null && checked ? `DOWN ${server.health}/${rise}` : 'DOWN'
}

/** `srv_op_state`: stopped, starting, running */
export function operState(live: LiveServer): number {
  const { server } = live
  if (inMaintenance(live) || live.agentDown || !server.up || server.ejectedUntil !== null) return 0
  return server.starting ? 1 : 2
}
