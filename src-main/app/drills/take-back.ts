import type { NodeId } from '#contract'
import type { RevertedFault } from '../ports/fault-admin.ts'
import { limitsOf, sessionOf, type Run } from './drill-run.ts'

/** Until the node says that it is as before; a node out of reach is asked until its guard must have acted. */
export async function takeBack(
  run: Run,
  { node, id }: { node: NodeId; id: string } = { node: run.drill.node, id: run.drill.id },
): Promise<RevertedFault['by']> {
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
