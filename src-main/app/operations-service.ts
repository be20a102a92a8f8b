import type { AdminState, JobId, NodeId, OperationPlan, ServerId, ServerView } from '#contract'
import { takesTraffic } from '../domain/fleet/state.ts'
import { AppError, appErrorFrom } from './app-error.ts'
import type { FleetService, ServerInFleet } from './fleet-service.ts'
import type { JobRunner } from './jobs/job-runner.ts'
import {
  adminTimeoutMs,
  balancerOf,
  notChangeable,
  refusesPlan,
  operationTitle,
  readServer,
  type AdminOf,
  type ServerTarget,
} from './operations/server-targets.ts'
import { setStateKind, type SetStateInput } from './operations/server-state.ts'

type Warning = OperationPlan['warnings'][number]
type PlanStep = OperationPlan['steps'][number]

export interface SetStateRequest {
  servers: readonly ServerId[]
  state: AdminState
  /** only on these balancers; left out: on every one that has the server */
  nodes?: readonly NodeId[] | undefined
}

export interface OperationsService {
  /** Reads every server concerned and says what would be sent. Changes nothing. */
  plan(request: SetStateRequest, signal: AbortSignal): Promise<OperationPlan>
  /** @throws AppError `node.unreachable` when a balancer concerned cannot be read and was not left out by `nodes` */
  setState(request: SetStateRequest, by: { requestedBy: string; reason: string | null }, signal: AbortSignal): Promise<JobId>
}

interface Planned {
  plan: OperationPlan
  targets: ServerTarget[]
}

interface Candidate {
  found: ServerInFleet
  target: ServerTarget
}

type Reading = { step: PlanStep; alreadyIn: boolean } | { unreachable: NodeId }

export function createOperationsService(parts: {
  fleet: FleetService
  adminOf: AdminOf
  jobs: () => JobRunner
}): OperationsService {
  const { fleet, adminOf, jobs } = parts

  async function planned(request: SetStateRequest, signal: AbortSignal): Promise<Planned> {
    const candidates = [...new Set(request.servers)].flatMap((id) => candidatesFor(requireChangeable(fleet, id), request.nodes))
    const readings = await readAll(candidates, request.state, signal)
    const targets = candidates.flatMap(({ target }, index) => ('step' in (readings[index] ?? {}) ? [target] : []))
    return {
      targets,
      plan: {
        title: operationTitle(request.state, targets),
        steps: readings.flatMap((reading) => ('step' in reading ? [reading.step] : [])),
        unreachable: [...new Set(readings.flatMap((reading) => ('unreachable' in reading ? [reading.unreachable] : [])))],
        warnings: [...statesAlreadySet(candidates, readings), ...warningsFor(candidates, request.state)],
      },
    }
  }

  /** One balancer after the other per node, nodes side by side: a runtime socket answers few at a time. */
  async function readAll(candidates: readonly Candidate[], state: AdminState, signal: AbortSignal): Promise<Reading[]> {
    const lanes = new Map<NodeId, Promise<unknown>>()
    return Promise.all(
      candidates.map((candidate) => {
        const { nodeId } = candidate.target
        const reading = (lanes.get(nodeId) ?? Promise.resolve()).then(() => readOne(candidate, state, signal))
        lanes.set(
          nodeId,
          reading.catch(() => undefined), // reported by the candidate itself; the lane goes on
        )
        return reading
      }),
    )
  }

  async function readOne({ found, target }: Candidate, state: AdminState, signal: AbortSignal): Promise<Reading> {
    const { nodeId } = target
    const cell = found.server.on.find((each) => each.nodeId === nodeId)
    try {
      const node = await adminOf(target, signal)
      const limits = { signal, timeoutMs: adminTimeoutMs, record: () => undefined }
      await node.admin.check?.(node.session, limits)
      const before = await readServer(node, target, limits)
      return {
        alreadyIn: node.admin.isIn(before, state),
        step: {
          nodeId,
          via: node.admin.via,
          commands: node.admin.commandsFor(before, state),
          undoCommands: node.admin.undoCommandsFor(before),
          before: { state: cell?.state ?? 'unknown', word: cell?.word ?? '', weight: before.weight },
        },
      }
    } catch (thrown) {
      signal.throwIfAborted()
      const error = appErrorFrom(thrown)
      if (refusesPlan(error)) throw error
      return { unreachable: nodeId }
    }
  }

  return {
    plan: async (request, signal) => (await planned(request, signal)).plan,
    async setState(request, by, signal) {
      const { plan, targets } = await planned(request, signal)
      if (plan.unreachable.length > 0) {
        const names = plan.unreachable.join(', ')
        throw new AppError(
          'node.unreachable',
          `Nothing was changed, because ${names} cannot be read now and would keep sending requests. ` +
            'Wait until it can be reached, or name the balancers to change.',
          { details: { nodes: plan.unreachable } },
        )
      }
      const input: SetStateInput = { state: request.state, targets }
      return jobs().start(setStateKind, input, by)
    },
  }
}

function requireChangeable(fleet: FleetService, id: ServerId): ServerInFleet {
  const found = fleet.server(id)
  if (found === null) {
    throw new AppError('request.not-found', `There is no server "${id}" on any balancer that was read.`, {
      details: { server: id },
    })
  }
  if (!found.pool.can.setState) throw notChangeable(found.pool)
  return found
}

function candidatesFor(found: ServerInFleet, nodes: readonly NodeId[] | undefined): Candidate[] {
  const { server, pool } = found
  const on = server.on.map((cell) => cell.nodeId)
  const chosen = nodes === undefined ? on : on.filter((nodeId) => nodes.includes(nodeId))
  if (chosen.length === 0) {
    throw new AppError('request.not-found', `${pool.name}/${server.name} is on ${on.join(', ')}, not on ${nodes?.join(', ')}.`)
  }
  return chosen.map((nodeId) => ({
    found,
    target: { serverId: server.id, nodeId, balancer: balancerOf(pool), pool: pool.name, server: server.name },
  }))
}

function statesAlreadySet(candidates: readonly Candidate[], readings: readonly Reading[]): Warning[] {
  return candidates.flatMap(({ found, target }, index) => {
    const reading = readings[index]
    if (reading === undefined || !('step' in reading) || !reading.alreadyIn) return []
    return [{ rule: 'already-in-state', pool: found.pool.id, nodeId: target.nodeId, data: { server: target.server } }]
  })
}

function warningsFor(candidates: readonly Candidate[], state: AdminState): Warning[] {
  const warnings: Warning[] = []
  const pools = new Map(candidates.map(({ found }) => [found.pool.id, found]))
  for (const [poolId, { siblings, pool }] of pools) {
    const ofPool = candidates.filter(({ found }) => found.pool.id === poolId)
    const leaving = new Set(ofPool.map(({ target }) => `${target.nodeId}/${target.serverId}`))
    for (const nodeId of new Set(ofPool.map(({ target }) => target.nodeId))) {
      if (pool.kind === 'nginx') warnings.push({ rule: 'needs-reload', pool: poolId, nodeId, data: {} })
      if (state === 'ready') continue
      const usableBefore = siblings.filter((each) => isUsableOn(each, nodeId))
      const left = usableBefore.filter((each) => !leaving.has(`${nodeId}/${each.id}`)).length
      // Draining the last server of a backend answers clients with 503 at once (HAProxy 2.6), and HAProxy itself says nothing.
      if (left === 0) {
        warnings.push({
          rule: 'last-usable-server',
          pool: poolId,
          nodeId,
          data: { usable: usableBefore.length, total: siblings.length },
        })
      }
    }
    for (const { found, target } of ofPool) {
      const { nodeId } = target
      const data = { server: target.server }
      if (found.readings.get(nodeId)?.agentCheck) warnings.push({ rule: 'agent-check', pool: poolId, nodeId, data })
      const weight = found.server.on.find((cell) => cell.nodeId === nodeId)?.weight
      if (state === 'ready' && weight === 0) warnings.push({ rule: 'weight-zero', pool: poolId, nodeId, data })
    }
    if (state !== 'ready' && pool.kind === 'haproxy')
      warnings.push({ rule: 'lost-on-reload', pool: poolId, nodeId: null, data: {} })
  }
  return warnings
}

function isUsableOn(server: ServerView, nodeId: NodeId): boolean {
  return server.on.some((cell) => cell.nodeId === nodeId && takesTraffic(cell.state) && cell.weight !== 0)
}
