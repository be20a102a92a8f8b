import type { RuntimeStep } from '#contract'
import type { CheckProblem } from '../../domain/config-text/check-problem.ts'
import type { AdminLimits } from './admin-limits.ts'
import type { NodeSession } from './node-session.ts'

/** One file of one node, as it is to be. */
export interface ConfigChange {
  /** absolute; a symlink is followed and stays one */
  path: string
  /** of the bytes that were read and edited; '' = there must be no such file yet */
  expectSha256: string
  /** null: there is to be no such file; a symlink is not taken away */
  after: Buffer | null
}

export interface CheckReport {
  /** the daemon takes the files, and nothing it cannot see itself speaks against them */
  accepted: boolean
  /** `bound`: the candidate stood at the live paths in a mount namespace of its own; `in place`: that is impossible on this node */
  how: 'bound' | 'in place'
  /** the daemon's words */
  output: string
  /** also what the daemon's check cannot see: a port in use, a missing interface, a VIP that would move */
  problems: CheckProblem[]
  /** tells the files that the daemon has judged, at the paths and with the bytes that they are to have; null: it could not */
  judged: string | null
}

/** A lock with its pre-images and its dead man's switch, all on the node. */
export interface GuardTicket {
  /** names the push; unique on every node */
  id: string
  /** on the node: what was there before, and the script that puts it back */
  dir: string
  /** from when it was armed */
  expiresAfterMs: number
}

export interface GuardOptions {
  guardMs: number
  /** who, as others on this node shall read it */
  owner: string
  reason: string
}

export interface StandingGuard {
  ticket: GuardTicket
  owner: string
  reason: string
  /** by the node's clock, ms since the epoch */
  since: number
  expiresAt: number
  /**
   * `armed`: restores at `expiresAt`; `lost`: nothing on the node will restore any more (it was started anew since);
   * `restored`: the guard has put everything back; `failed`: it tried and could not, see `log`
   */
  state: 'armed' | 'lost' | 'restored' | 'failed'
  /** what the guard did, in its own words */
  log: string
}

/**
 * Changing the configuration of one daemon on one node as a transaction. The order is the caller's: check, arm, replace, reload, watch,
 * then confirm or restore. Every command is recorded as sent.
 *
 * Throws AppError `config.*`, `daemon.*`, `exec.*`, `ssh.*`.
 */
export interface ConfigAdmin {
  /** The script a person could run by hand to the same effect, line by line; `guardMs` and the like are not part of it. */
  commandsFor(changes: readonly ConfigChange[], steps?: readonly RuntimeStep[] | null): string[]
  /** Has the daemon judge the candidate on the node. Changes nothing that is live. */
  check(session: NodeSession, changes: readonly ConfigChange[], limits: AdminLimits): Promise<CheckReport>
  /**
   * Takes the node's lock for this daemon, copies what is there now, and starts a process on the node that restores and reloads unless it
   * is confirmed in time. It is proven to run before this returns.
   * @throws AppError `job.conflict` naming who holds the lock; `config.changed-on-node`; `config.write-failed`: all of effect `none`
   */
  arm(session: NodeSession, changes: readonly ConfigChange[], options: GuardOptions, limits: AdminLimits): Promise<GuardTicket>
  /**
   * All files, or none.
   * @throws AppError `config.changed-on-node`, `config.write-failed`, `exec.not-permitted`
   */
  replace(session: NodeSession, changes: readonly ConfigChange[], ticket: GuardTicket, limits: AdminLimits): Promise<void>
  /**
   * Reloads and answers once the new process serves the new configuration; with `steps` the process that runs is told to do the same
   * instead, and answers once that is in force. The daemon judges the files where they lie, unless they are what `judged` stands for: then it
   * has. `together` is awaited after that, right before it is told: by it several nodes are told at once, or none.
   * @throws AppError `daemon.reload-rejected`: the daemon still runs the old one, or does not run at all (effect `unknown`)
   */
  reload(
    session: NodeSession,
    changes: readonly ConfigChange[],
    limits: AdminLimits,
    how?: { together?: () => Promise<void>; steps?: readonly RuntimeStep[] | null; judged?: string | null },
  ): Promise<{ mayMoveVip: boolean }>
  /** Ends the guard, then the lock and what was staged. */
  confirm(session: NodeSession, ticket: GuardTicket, limits: AdminLimits): Promise<void>
  /** Now, what the guard would do later, by the same script. May be repeated. */
  restore(session: NodeSession, ticket: GuardTicket, limits: AdminLimits): Promise<void>
  /** Locks and guards on this node, for this daemon, whoever left them. */
  standing(session: NodeSession, limits: AdminLimits): Promise<StandingGuard[]>
}
