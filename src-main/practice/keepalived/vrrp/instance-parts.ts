/** What an instance is to those around it, and what it needs of them. */
import type { InstanceSettings, NotifyState } from '../config/settings.ts'
import type { Counters } from './check-advert.ts'
import type { Datagram } from './packet.ts'

export type VrrpState = 'INIT' | 'BACKUP' | 'MASTER' | 'FAULT'

export interface InstanceHost {
  /** milliseconds since the epoch */
  now(): number
  /** calls once after `ms`; the returned function cancels */
  after(ms: number, work: () => void): () => void
  /** a line of the log; `detail` lines are for `-D` alone */
  log(text: string, level?: 'detail'): void
  /** the address adverts are sent from */
  sourceAddress(): string
  transmit(datagram: Buffer): void
  setAddresses(held: boolean): void
  /** one gratuitous ARP per address */
  announce(): void
  notify(state: NotifyState, priority: number): void
}

/** The instances that move together; none of them moves alone. */
export interface SyncMembership {
  mayBecomeMaster(): boolean
  /** another member has failed */
  isHeldInFault(): boolean
  /** another member does not know yet whether it works */
  isWaiting(): boolean
  /** this member has changed; the others follow */
  changed(state: 'MASTER' | 'BACKUP' | 'FAULT'): void
}

/** What a tracked thing contributes. */
export interface Contribution {
  weight: number
  fails: boolean
}

export interface Instance {
  readonly settings: InstanceSettings
  readonly state: VrrpState
  readonly wantState: VrrpState
  readonly effectivePriority: number
  /** base and weights, not clamped */
  readonly totalPriority: number
  readonly masterPriority: number
  readonly masterAdvertIntMs: number
  readonly masterDownMs: number
  /** epoch milliseconds; 0: never */
  readonly lastTransition: number
  /** epoch milliseconds when the running timer ends; null: none runs */
  readonly deadline: number | null
  readonly counters: Counters
  readonly faultCount: number
  readonly waitingFor: number
  join(group: SyncMembership): void
  start(): void
  /** takes over the state of the instance of the same name after a reload */
  resume(from: Instance): void
  receive(datagram: Datagram): void
  /** Contribution of one tracked thing; null: not known yet, which holds the start back when its failure would be a fault. */
  track(key: string, contribution: Contribution | null): void
  /** by its group */
  force(state: 'MASTER' | 'BACKUP' | 'FAULT'): void
  clearCounters(): void
  /** Ends its timers. `clean`: a master says so (priority 0) and gives its addresses up. */
  stop(clean: boolean): void
}
