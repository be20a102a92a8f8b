import type { DrainView, DrillPlan, FleetSnapshot, PushRecord } from '#contract'

/** What goes on in the pair of a drill that one which nobody watches must not be mixed with; a sentence each. */
export function standsAgainstDrill(
  { router: id }: Pick<DrillPlan, 'router'>,
  { routers, problems }: Pick<FleetSnapshot, 'routers' | 'problems'>,
  drains: readonly Pick<DrainView, 'title' | 'places'>[],
  pushes: readonly Pick<PushRecord, 'title' | 'endedAt' | 'targets'>[],
): string[] {
  const router = routers.find((each) => each.id === id)
  if (router === undefined) return [`The virtual router ${id} is not known now.`]
  const members = new Set<string>(router.members.map(({ nodeId }) => nodeId))
  const critical = problems.filter(
    ({ severity, nodes, router: of }) => severity === 'critical' && (of === id || nodes.some((node) => members.has(node))),
  )
  const drained = drains.filter(({ places }) => places.some(({ nodeId }) => members.has(nodeId)))
  const pushed = pushes.filter(({ endedAt, targets }) => endedAt === null && targets.some(({ nodeId }) => members.has(nodeId)))
  return [
    ...critical.map(({ kind, nodes }) => `There is a problem in its pair: ${kind} on ${nodes.join(', ')}.`),
    ...drained.map(({ title }) => `A drain stands in its pair: ${title}.`),
    ...pushed.map(({ title }) => `A push is under way in its pair: ${title}.`),
  ]
}
