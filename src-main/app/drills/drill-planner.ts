import type {
  CatalogueEntry,
  DrillCheck,
  DrillObstacle,
  DrillPlan,
  DrillPrediction,
  DrillReadiness,
  FaultKind,
  FleetSnapshot,
  NodeId,
  RouterId,
  RouterView,
} from '#contract'
import { catalogue } from '../../domain/drill/catalogue.ts'
import { splits } from '../../domain/drill/check-plan.ts'
import { seconds } from '../../domain/drill/verdict.ts'
import { appErrorFrom } from '../app-error.ts'
import type { FaultAdmin, FaultDescription, StandingFault } from '../ports/fault-admin.ts'
import { faultedNode, foreseeFault, goneWith, readMembers, routerOf, type ForeseeParts } from './foresee-fault.ts'
import { faultScope } from './fault-scope.ts'
import { parsePlan, planText } from './plan-file.ts'
import type { JudgeReadiness } from './readiness.ts'

export interface PlannerParts extends ForeseeParts {
  faults: FaultAdmin
  readiness: JudgeReadiness
  /** a client on this computer could reach it */
  reachesFromConsole: (host: string, port: number, timeoutMs: number, signal: AbortSignal) => Promise<boolean>
  /** the lever, and drills under way */
  standsAgainst: (router: RouterView | null) => DrillObstacle[]
}

export type DrillPlanner = ReturnType<typeof createDrillPlanner>

const describeMs = 20_000
/** a client would have given up by then, too */
const reachMs = 1000
const vantagesTried = 3

/** What a drill would be and do. Reads the nodes and changes nothing. */
export function createDrillPlanner(parts: PlannerParts) {
  const { faults, readiness, servicesOf, standsAgainst } = parts

  async function predictFault(
    { router, node, fault }: { router: RouterId; node?: NodeId | undefined; fault: FaultKind },
    signal: AbortSignal,
    probeEveryMs = 20,
  ): Promise<DrillPrediction> {
    const foreseen = await readMembers(parts, router, signal)
    const faulted = faultedNode(foreseen.router, node) ?? foreseen.router.members[0]?.nodeId
    // A router has members, or it would not be known.
    if (faulted === undefined) throw new Error(`the router ${router} has no members`)
    return foreseeFault(parts, foreseen, faulted, fault, probeEveryMs)
  }

  /** This computer where it reaches the address; else a node beside the pair, which sees what clients see; else who is to take over. */
  async function vantageFor(
    { members, holders }: RouterView,
    host: string,
    { node, port }: { node?: NodeId | undefined; port: number },
    signal: AbortSignal,
  ): Promise<'console' | NodeId> {
    if (await parts.reachesFromConsole(host, port, reachMs, signal)) return 'console'
    const own = new Set(members.map(({ nodeId }) => nodeId))
    const { nodes } = parts.fleet.snapshot()
    const sites = new Set(nodes.filter(({ id }) => own.has(id)).map(({ site }) => site))
    const beside = nodes.filter(({ id, connection }) => !own.has(id) && connection.state === 'connected')
    beside.sort((one, other) => Number(sites.has(other.site)) - Number(sites.has(one.site)))
    for (const { id } of beside.slice(0, vantagesTried)) if (await reachesFrom(id, host, port, signal)) return id
    return members.find(({ nodeId }) => nodeId !== (node ?? holders[0]))?.nodeId ?? 'console'
  }

  async function reachesFrom(nodeId: NodeId, host: string, port: number, signal: AbortSignal): Promise<boolean> {
    try {
      const { session } = await servicesOf(nodeId, signal)
      const stream = await session.openTcp(host, port, { signal, timeoutMs: reachMs })
      stream.destroy()
      return true
    } catch {
      // it answers no, or sshd there forwards nothing: another place will do
      return false
    }
  }

  /** Whoever's: a drill of another console, or one that a console that is gone has left. */
  async function standingOn(nodeId: NodeId, signal: AbortSignal): Promise<StandingFault[]> {
    const { session } = await servicesOf(nodeId, signal)
    return faults.standing(session, { signal, timeoutMs: describeMs })
  }

  /** Of several nodes: what each gets and gives back, under its name. */
  async function describeOn(
    nodes: readonly NodeId[],
    { router, fault }: DrillPlan,
    signal: AbortSignal,
  ): Promise<FaultDescription> {
    const all = await Promise.all(
      nodes.map(async (node) => {
        const { session } = await servicesOf(node, signal)
        const scope = await faultScope(parts, { router, node, fault }, signal)
        return { node, ...(await faults.describe(session, scope, { signal, timeoutMs: describeMs })) }
      }),
    )
    const [first, ...others] = all
    if (first === undefined || others.length === 0) return first ?? { blastRadius: '', inject: [], revert: [], missing: [] }
    const named = (of: typeof all, what: 'inject' | 'revert'): string[] =>
      of.flatMap((each) => [`# ${each.node}`, ...each[what]])
    return {
      blastRadius: all.map(({ node, blastRadius }) => `${node}: ${blastRadius}`).join('; '),
      inject: named([...others, first], 'inject'),
      revert: named(all, 'revert'),
      missing: all.flatMap(({ node, missing }) => missing.map((each) => `${node}: ${each}`)),
    }
  }

  return {
    predict: predictFault,

    async catalogue(router: RouterId | undefined, signal: AbortSignal): Promise<CatalogueEntry[]> {
      const foreseen = router === undefined ? null : await readMembers(parts, router, signal)
      const node = foreseen === null ? null : faultedNode(foreseen.router, undefined)
      return catalogue.map((entry) => ({
        ...entry,
        prediction: foreseen === null || node === null ? null : foreseeFault(parts, foreseen, node, entry.kind, 20),
      }))
    },

    /** A plan to begin with: what is expected is what the arithmetic says, and a little room. */
    async template(
      wish: { router: RouterId; node?: NodeId | undefined; fault: FaultKind; port: number },
      signal: AbortSignal,
    ): Promise<string> {
      const prediction = await predictFault(wish, signal)
      const router = routerOf(parts, wish.router)
      const most = prediction.outage?.latestMs ?? 0
      const outageMs = Math.max(500, Math.ceil((most * 1.15) / 100) * 100)
      const [host = ''] = router.addresses
      const plan: DrillPlan = {
        name: `${wish.fault} on ${wish.node ?? 'the holder'} of ${router.id}`,
        hypothesis: hypothesisOf(prediction, host, outageMs),
        router: wish.router,
        ...(wish.node === undefined ? {} : { node: wish.node }),
        fault: { kind: wish.fault },
        probe: {
          host,
          port: wish.port,
          kind: 'tcp',
          path: '/',
          tls: false,
          everyMs: 20,
          from: [await vantageFor(router, host, wish, signal)],
        },
        steadyState: { forMs: 5000, failedPercent: 0, p99Ms: 500 },
        expect: { moves: prediction.moves, outageMs },
        holdMs: Math.max(10_000, Math.ceil(((prediction.takeover?.latestMs ?? 0) * 2) / 1000) * 1000),
        abort: {
          outageMs: Math.max(5000, outageMs * 2),
          failedPercent: 50,
          twoOwnersMs: twoOwnersMs(wish.fault),
          otherAlarm: true,
        },
        guardMs: 15_000,
        notify: [],
      }
      return planText(plan)
    },

    /** A dry run of a plan document. */
    async check(text: string, signal: AbortSignal): Promise<DrillCheck> {
      const { plan, findings } = parsePlan(text)
      const check: DrillCheck = {
        plan,
        findings,
        node: null,
        alsoOn: [],
        prediction: null,
        blastRadius: '',
        inject: [],
        revert: [],
        obstacles: standsAgainst(null),
        ready: false,
      }
      if (plan === null) return check
      try {
        const { router, members } = await readMembers(parts, plan.router, signal)
        const node = faultedNode(router, plan.node)
        const alsoOn = node === null ? [] : goneWith(parts, router, node, plan.fault.kind)
        check.obstacles = [...standsAgainst(router), ...routerObstacles(router, plan, node, alsoOn)]
        if (node === null) return check
        const prediction = foreseeFault(parts, { router, members }, node, plan.fault.kind, plan.probe.everyMs)
        const held = await Promise.all(
          router.members.map(async ({ nodeId }) => ({ nodeId, found: await standingOn(nodeId, signal) })),
        )
        const { missing, ...described } = await describeOn([node, ...alsoOn], plan, signal)
        Object.assign(check, { node, alsoOn, prediction, ...described })
        if (plan.fault.kind === 'site-loss') check.obstacles.push(...siteObstacles(node, parts.fleet.snapshot()))
        check.obstacles.push(
          ...held.flatMap(({ nodeId, found }) => found.map((each) => standingObstacle(nodeId, each))),
          ...missing.map((message): DrillObstacle => ({ kind: 'fault', blocking: true, message })),
          ...predictionObstacles(plan, prediction),
          ...readinessObstacles(await readiness(plan.router, plan.fault.kind, signal)),
        )
      } catch (thrown) {
        const { code, message } = appErrorFrom(thrown)
        const kind = code.startsWith('request.') ? 'router' : 'unreachable'
        check.obstacles.push({ kind, blocking: true, message })
      }
      check.ready = check.node !== null && check.obstacles.every(({ blocking }) => !blocking)
      return check
    },
  }
}

/** What its guard has taken back is no obstacle: the next drill clears it away. */
function standingObstacle(nodeId: NodeId, { owner, reason, state }: StandingFault): DrillObstacle {
  const blocking = state !== 'reverted'
  const how = blocking ? 'A fault of' : 'The node has taken back a fault of'
  return {
    kind: 'other-drill',
    blocking,
    message: `${how} ${owner} on ${nodeId}${blocking ? ' stands there' : ''}: ${reason}.`,
  }
}

const twoOwnersMs = (fault: FaultKind): number => (splits.has(fault) ? 600_000 : 2000)

function hypothesisOf({ moves, to, fault, node }: DrillPrediction, host: string, outageMs: number): string {
  return moves
    ? `With ${fault} on ${node}, ${host} moves to ${to ?? 'another member'}, and new clients wait ${seconds(outageMs)} at most.`
    : `With ${fault} on ${node}, ${host} stays where it is.`
}

function routerObstacles(
  { id, addresses, verdict, members }: RouterView,
  { probe, node: named }: DrillPlan,
  node: NodeId | null,
  alsoOn: readonly NodeId[],
): DrillObstacle[] {
  const says: DrillObstacle[] = []
  const block = (message: string, blocking = true): void => void says.push({ kind: 'router', blocking, message })
  if (!addresses.includes(probe.host)) block(`${probe.host} is none of the addresses of ${id}: ${addresses.join(', ')}.`)
  if (verdict !== 'held')
    block(`${id} is not held by exactly one member now (${verdict}): there is no steady state to begin with.`)
  if (node === null) block(`Nobody holds ${id} now, so there is nobody to put the fault on.`)
  const unread = members.filter(({ kernelReadAt }) => kernelReadAt === null).map(({ nodeId }) => nodeId)
  if (unread.length > 0) says.push({ kind: 'unreachable', blocking: true, message: `${unread.join(', ')} cannot be read now.` })
  if (named !== undefined && !members.some(({ nodeId }) => nodeId === named)) block(`${named} is not a member of ${id}.`)
  for (const from of probe.from) {
    if (from === node || alsoOn.some((each) => each === from)) block(`${from} is to get the fault, and cannot probe for it.`)
  }
  return says
}

function siteObstacles(node: NodeId, { nodes }: Pick<FleetSnapshot, 'nodes'>): DrillObstacle[] {
  const site = nodes.find(({ id }) => id === node)?.site ?? null
  return site !== null
    ? []
    : [{ kind: 'fault', blocking: true, message: `${node} is in no site: say in the inventory what fails together.` }]
}

/** What the plan itself is held against is left out: the router, and what the arithmetic says. */
const readinessObstacles = ({ findings }: DrillReadiness): DrillObstacle[] =>
  findings.flatMap(({ rule, blocking, message, evidence }) =>
    /^(members\.(not-held|unread)|vrrp\.(moves-nothing|note|unknown))$/.test(rule)
      ? []
      : [{ kind: 'readiness', blocking, message: evidence === '' ? message : `${message} (${evidence})` }],
  )

/** A drill that can only end one way tests nothing, and one that is expected to beat arithmetic ends badly. */
function predictionObstacles({ expect }: DrillPlan, { moves, outage, formula }: DrillPrediction): DrillObstacle[] {
  const says = (blocking: boolean, message: string): DrillObstacle[] => [{ kind: 'router', blocking, message }]
  if (expect.moves && !moves) return says(true, `This would test nothing, for the address cannot move. ${formula}`)
  if (!expect.moves && moves) return says(true, `The plan expects the address to stay, and it will move: ${formula}.`)
  if (outage !== null && outage.earliestMs > expect.outageMs) {
    return says(
      false,
      `At least ${seconds(outage.earliestMs)} without an answer are predicted, and ${seconds(expect.outageMs)} expected at most.`,
    )
  }
  return []
}
