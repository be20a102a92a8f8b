import type { Inventory, PracticeDeed, PracticeFacts, PracticeRepair, PracticeSize } from '#contract'

/** What passes between the console's process and the fleet's: plain values. */
export type ToFleet = { id: number } & (
  | { kind: 'open'; folder: string; size: PracticeSize }
  | { kind: 'status' }
  | { kind: 'do'; deed: PracticeDeed }
  | { kind: 'revert'; repair: PracticeRepair }
  | { kind: 'close' }
)

export type FromFleet =
  | { kind: 'opened'; inventory: Inventory }
  | { kind: 'failed'; message: string }
  | { kind: 'told'; facts: PracticeFacts }
  | { kind: 'reply'; id: number; facts: PracticeFacts }
  | { kind: 'refusal'; id: number; message: string }
  /** its sockets, timers and connections are gone, and the process may go */
  | { kind: 'closed' }
