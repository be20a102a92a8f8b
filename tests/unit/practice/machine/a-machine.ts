import { createMachine } from '../../../../src-main/practice/machine/create-machine.ts'
import type { Machine } from '../../../../src-main/practice/machine/machine.ts'
import { claimLoopback } from '../../../../src-main/practice/network/loopback.ts'
import { createSegment } from '../../../../src-main/practice/network/segment.ts'
import { createManualClock, type ManualClock } from '../manual-clock.ts'

/** One machine on a wire of its own; it holds no port of the computer. */
export async function aMachine(): Promise<{ machine: Machine; clock: ManualClock }> {
  const clock = createManualClock()
  const segment = createSegment(await claimLoopback({ native: false }), 0)
  return { machine: createMachine({ name: 'lb1', clock, segment, address: segment.address(1) }), clock }
}
