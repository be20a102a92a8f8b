import type { MachineNetwork, PracticeClock } from '../machine/machine.ts'
import type { SessionTable } from './sessions.ts'
import type { Wheel } from './wheel.ts'

/** What the services of one engine share. */
export interface Traffic {
  readonly network: MachineNetwork
  readonly clock: PracticeClock
  /** the worker process that the connections belong to */
  readonly pid: number
  readonly wheel: Wheel
  /** monotonic, milliseconds */
  readonly now: () => number
  readonly sessions: SessionTable
  /** the worker retires: an answer is the last on its connection */
  readonly isFinishing: () => boolean
  /** what should not have happened */
  readonly report: (thrown: unknown) => void
}
