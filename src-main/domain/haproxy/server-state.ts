import type { AdminState, ServerState } from '#contract'

/**
 * The word in `show stat` is not the administrative state: a drained server whose check fails says DOWN, one of weight 0 says
 * UP. So the bits of `srv_admin_state` come first (include/types/server.h; decimal on the wire):
 * 0x01 maintenance by command, 0x02 inherited from a tracked server, 0x04 `disabled` in the configuration, 0x08 drain by command
 * or agent, 0x10 drain inherited, 0x20 maintenance because the name does not resolve, 0x40 host name changed.
 */
const forcedMaintenance = 0x01
const forcedDrain = 0x08
/** 0x04 is not in it: it is history, and stays set on a server that was declared `disabled` and now takes traffic. */
const maintenance = 0x23
const drain = 0x18

/**
 * Clients that come back by cookie or stick table reach a draining server between two readings without ever being seen in
 * `scur`; it counts as empty only when no session was given to it for this long.
 */
export const quietS = 10

export interface ServerFacts {
  /** `status` of `show stat` */
  word: string
  opState: number
  adminState: number
  weight: number
  checkResult: number
  /** what the last check left behind [last_chk]: of a good one, what `http-check expect … on-success` makes of the answer */
  checkText: string
  sessions: number
  queue: number
  /** seconds since a session was last given to it; null = never since this worker started */
  lastSessionS: number | null
  /** sessions that workers of before a reload still have on it; null = they could not be counted */
  oldSessions: number | null
}

const running = { starting: 1, up: 2, stopping: 3 } as const
const checkFailed = 2
const checkPassed = 3

export function serverStateFrom(facts: ServerFacts): ServerState {
  if (isInMaintenance(facts.adminState)) return 'maintenance'
  const leaving = isDraining(facts.adminState, facts.weight) || facts.opState === running.stopping
  if (leaving) return isEmpty(facts) ? 'drained' : 'draining'
  if (facts.word === 'no check') return 'unchecked'
  if (facts.opState === running.starting) return 'warming'
  if (facts.opState !== running.up) return 'down'
  // `UP 1/3` is said both of a server that was just made ready and of one whose check began to fail.
  if (/^UP \d+\/\d+$/.test(facts.word)) return facts.checkResult === checkFailed ? 'degraded' : 'warming'
  // The server answers well and says of itself that something it needs does not (`on-success "%[res.hdr(X-Health)]"`, 2.6.12).
  return facts.checkResult === checkPassed && /^degraded\b/i.test(facts.checkText) ? 'degraded' : 'up'
}

export function isInMaintenance(adminState: number): boolean {
  return (adminState & maintenance) !== 0
}

/** Drained by command, by its agent, or with a server that it tracks. */
export function isDrained(adminState: number): boolean {
  return (adminState & drain) !== 0
}

/** Weight 0 drains like the command does (server_is_draining in HAProxy's source), and `state ready` does not end it. */
export function isDraining(adminState: number, weight: number): boolean {
  return weight === 0 || isDrained(adminState)
}

function isEmpty(facts: ServerFacts): boolean {
  const quiet = facts.lastSessionS === null || facts.lastSessionS >= quietS
  return facts.sessions === 0 && facts.queue === 0 && facts.oldSessions === 0 && quiet
}

/**
 * What `set server … state` would have to be told to bring about these bits. Inherited, DNS and configuration bits are not
 * the command's to set or clear, so they do not count.
 */
export function commandedState(adminState: number): AdminState {
  if ((adminState & forcedMaintenance) !== 0) return 'maint'
  return (adminState & forcedDrain) !== 0 ? 'drain' : 'ready'
}
