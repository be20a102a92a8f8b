import type { Inventory, PracticeDeed, PracticeFacts, PracticeRepair, PracticeSize } from '#contract'

/** A fleet to practise on, in a process of its own. It is reached over SSH like any other; this is only how it is switched on and troubled. */
export interface PracticeFleet {
  /** its nodes, sites and pairs, with addresses, key files and host keys of this start */
  readonly inventory: Inventory
  status(): Promise<PracticeFacts>
  /** Rejects with a whole sentence when it cannot be done. */
  do(deed: PracticeDeed): Promise<PracticeFacts>
  revert(repair: PracticeRepair): Promise<PracticeFacts>
  /** Nothing of it is left: no process, no port, no connection. */
  close(): Promise<void>
}

/**
 * @param folder keeps the fleet's keys and its size, so that it is the same the next time; made when it is missing
 * @param told a scenario changed, or two seconds passed
 * @param ended it stopped by itself, and why
 */
export type OpenPracticeFleet = (options: {
  folder: string
  /** what is left out is as the last time in this folder, or as usual */
  size: PracticeSize
  told: (facts: PracticeFacts) => void
  ended: (why: string) => void
}) => Promise<PracticeFleet>
