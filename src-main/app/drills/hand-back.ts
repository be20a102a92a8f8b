import { randomUUID } from 'node:crypto'
import type { NodeId } from '#contract'
import { appErrorFrom } from '../app-error.ts'
import { takeSnapshots } from './conclude-drill.ts'
import { enter, limitsOf, sessionOf, type Run } from './drill-run.ts'
import { faultScope } from './fault-scope.ts'
import { takeBackFrom } from './take-back.ts'

/** Beyond what the arithmetic says of the way there. */
const patienceMs = 10_000
const pauseMs = 200

/**
 * Where nobody preempts, the address stays with whoever took it. It goes back as it came: keepalived is stopped there for a moment, behind a
 * guard like any other fault.
 */
export async function handBack(run: Run): Promise<void> {
  const { parts, drill, signal } = run
  const { clock, book, faults } = parts
  const { router, guardMs } = drill.plan
  if (drill.holder === null || !drill.prediction.moves || drill.prediction.failback !== null) return
  const node = await holderNow(run)
  if (node === null || node === drill.holder) return
  enter(run, 'confirming', `${node} keeps the address: keepalived there is stopped for a moment, so that it goes back.`)
  book.note(drill.id, {
    kind: 'handed-back',
    nodeId: node,
    text: 'keepalived is stopped here for a moment, to hand the address back',
  })
  const scope = await faultScope(parts, { router, node, fault: { kind: 'keepalived-stop' } }, signal)
  // one that was taken back before never comes again: each has an id of its own
  const id = `${drill.id}.${randomUUID().slice(0, 8)}`
  const guard = { id, expiresAfterMs: guardMs, owner: drill.author, reason: drill.reason }
  const until = clock.monotonic() + (drill.prediction.takeover?.latestMs ?? 0) + patienceMs
  try {
    await faults.inject(await sessionOf(run, node), scope, guard, limitsOf(run))
    while ((await holderNow(run)) !== drill.holder && clock.monotonic() < until) await clock.sleep(pauseMs, signal)
  } catch (thrown) {
    if (signal.aborted) throw thrown
    // the comparison says where the address is then
    book.note(drill.id, { kind: 'problem', nodeId: node, text: `not handed back: ${appErrorFrom(thrown).message}` })
  }
  await takeBackFrom(run, { node, id })
}

/** Ends what was cut short of it on any of the members. */
export async function endHandBack(run: Run): Promise<void> {
  for (const { nodeId: node } of run.drill.environment.members) {
    for (const { ticket } of await run.parts.faults.standing(await sessionOf(run, node), limitsOf(run))) {
      if (ticket.id.startsWith(`${run.drill.id}.`)) await takeBackFrom(run, { node, id: ticket.id })
    }
  }
}

/** The only member whose kernel has the address. */
async function holderNow(run: Run): Promise<NodeId | null> {
  const { host } = run.drill.plan.probe
  const members = Object.entries(await takeSnapshots(run))
  const [holder, ...others] = members.filter(([, { addresses = '' } = {}]) => addresses.includes(` ${host}/`))
  return holder === undefined || others.length > 0 ? null : (holder[0] as NodeId)
}
