import type { Handover } from '#contract'
import { AppError } from '../app-error.ts'
import type { AdminLimits } from '../ports/admin-limits.ts'
import type { Clock } from '../ports/clock.ts'
import { readVrrp } from './foresee-moves.ts'
import type { Party } from './parties.ts'

/** A member takes over within a few adverts, which last a second where nobody says otherwise. */
const patienceMs = 15_000
const pauseMs = 250

/**
 * Waits until the kernel of the member that is changed says that the address has gone from it, or come to it.
 * @throws AppError `daemon.not-confirmed`
 */
export async function awaitHandover(
  { nodeId, ...node }: Party,
  { router, from, to }: Handover,
  clock: Clock,
  limits: AdminLimits,
): Promise<void> {
  const name = router.slice(router.indexOf('/') + 1)
  const until = clock.monotonic() + patienceMs
  for (;;) {
    const reading = await readVrrp(node, limits)
    const own = reading?.instances.find((each) => each.name === name)
    const has = (own?.kernelAddresses.length ?? 0) > 0
    if (own !== undefined && has === (nodeId === to)) return
    if (clock.monotonic() > until) {
      const said = nodeId === from ? `${from} still has it` : `${to} does not have it`
      throw new AppError('daemon.not-confirmed', `${router} did not move from ${from} to ${to}: ${said}.`, {
        effect: 'applied',
      })
    }
    await clock.sleep(pauseMs, limits.signal)
  }
}
