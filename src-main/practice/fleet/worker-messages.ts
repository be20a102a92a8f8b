import type { Inventory, PracticeDeed, PracticeFacts, PracticeRepair, PracticeSize } from '#contract'

/** What passes between the console's thread and the fleet's: plain values. */
export interface WorkerStart {
  folder: string
  size: PracticeSize
}

export type ToWorker = { id: number } & (
  { kind: 'status' } | { kind: 'do'; deed: PracticeDeed } | { kind: 'revert'; repair: PracticeRepair } | { kind: 'close' }
)

export type FromWorker =
  | { kind: 'opened'; inventory: Inventory }
  | { kind: 'failed'; message: string }
  | { kind: 'told'; facts: PracticeFacts }
  | { kind: 'reply'; id: number; facts: PracticeFacts }
  | { kind: 'refusal'; id: number; message: string }
