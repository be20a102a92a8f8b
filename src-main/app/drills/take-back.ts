import type { NodeId } from '#contract'
import type { RevertedFault } from '../ports/fault-admin.ts'
import { faultedOf, limitsOf, sessionOf, type Run } from './drill-run.ts'

/** The fault of the drill, from everybody who got it; the guard's word counts most, since it says that the console was not in time. */
export async function takeBack(run: Run): Promise<RevertedFault['by']> {
  const { id } = run.drill
  const [first, ...others] = faultedOf(run.drill)
  const by = first === undefined ? [] : [await takeBackFrom(run, { node: first, id })]
  by.push(...(await Promise.all(others.map((node) => takeBackFrom(run, { node, id })))))
  return by.find((each) => each === 'guard') ?? by.find((each) => each === 'console') ?? 'nobody'
}

/** Until the node says that it is as before; a node out of reach is asked until its guard must have acted. */
export async function takeBackFrom(run: Run, { node, id }: { node: NodeId; id: string }): Promise<RevertedFault['by']> {
  const { parts, drill, signal } = run
  const { clock, faults, book } = parts
  const until = clock.monotonic() + drill.plan.guardMs + 60_000
  for (;;) {
    try {
      const { by } = await faults.revert(await sessionOf(run, node), { id }, limitsOf(run))
      if (by === 'nobody') return by
      const [kind, text] =
        by === 'guard' ? (['guard-reverted', 'the guard had taken it back'] as const) : (['reverted', 'taken back'] as const)
      book.note(drill.id, { kind, nodeId: node, text })
      return by
    } catch (thrown) {
      if (signal.aborted || clock.monotonic() > until) throw thrown
      await clock.sleep(1000, signal)
    }
  }
}
