/** Finds out whether the standby of a virtual router could take over. Reads the nodes, connects from them, and changes nothing. */
import type { DrillReadiness, FaultKind, NodeId, RouterId, RouterView, ServiceKind } from '#contract'
import { effectOf } from '../../domain/drill/effects.ts'
import { predict } from '../../domain/drill/prediction.ts'
import { judgeReadiness, type MemberEvidence, type MemberService } from '../../domain/drill/readiness.ts'
import { needsOf } from '../../domain/drill/standby-needs.ts'
import { membersOf } from '../../domain/drill/vrrp-members.ts'
import { parseTree } from '../../domain/keepalived/config-tree.ts'
import { viewOf } from '../../domain/keepalived/config-view.ts'
import { AppError, appErrorFrom } from '../app-error.ts'
import { certificateFrom } from '../certificate-from.ts'
import { goneWith } from './foresee-fault.ts'
import type { FleetService } from '../fleet-service.ts'
import type { Clock } from '../ports/clock.ts'
import type { BoundService } from '../ports/driver.ts'
import type { LookAtNode } from '../ports/node-evidence.ts'
import type { NodeSession } from '../ports/node-session.ts'
import type { ServicesOf } from '../pushes/parties.ts'

/** Throws `request.not-found` for a router that was never read; a member that cannot be read is a finding. */
export type JudgeReadiness = (router: RouterId, fault: FaultKind, signal: AbortSignal) => Promise<DrillReadiness>

export interface ReadinessParts {
  fleet: Pick<FleetService, 'snapshot'>
  servicesOf: ServicesOf
  lookAtNode: LookAtNode
  clock: Clock
}

const timeoutMs = 30_000
/** More servers than this are tried by the first of them only; HAProxy's own checks look at all of them anyway. */
const backendsTried = 500

export function createReadiness({ fleet, servicesOf, lookAtNode, clock }: ReadinessParts): JudgeReadiness {
  async function memberEvidence(nodeId: NodeId, signal: AbortSignal): Promise<MemberEvidence> {
    const limits = { signal, timeoutMs }
    const { session, services: bound } = await servicesOf(nodeId, signal)
    const services = await Promise.all(bound.map((service) => memberService(service, session, signal)))
    const texts = services.flatMap(({ kind, files }) =>
      files.flatMap(({ path, text }) => (text === null ? [] : [{ kind, path, text }])),
    )
    const all = needsOf(texts)
    const needs = { ...all, backends: all.backends.slice(0, backendsTried) }
    const questions = { reach: needs.backends, certificates: needs.certificates }
    const seen = await lookAtNode(session, questions, limits)
    const certificates = seen.certificates.map(({ path, pem }) => ({ path, found: pem === null ? null : certificateFrom(pem) }))
    return { ...seen, nodeId, services, needs, certificates }
  }

  async function memberService(service: BoundService, session: NodeSession, signal: AbortSignal): Promise<MemberService> {
    const { kind } = service
    const limits = { signal, timeoutMs }
    const [files, stopped, problems] = await Promise.all([
      told(() => service.readConfig(session, limits), signal),
      // keepalived is judged by what the fleet knows of it, kernel and all
      kind === 'keepalived' ? null : told(() => service.observe(session, limits), signal),
      told(async () => service.configAdmin?.check(session, [], { ...limits, record: () => undefined }), signal),
    ])
    return {
      kind,
      version: versionOf(session.nodeId, kind),
      stopped: stopped instanceof AppError ? stopped.message : null,
      files:
        files instanceof AppError
          ? [{ path: `the configuration of ${kind}`, text: null, loaded: 'unknown', error: files.message }]
          : files.map(({ path, bytes, loaded, error }) => ({
              ...{ path, loaded, text: bytes?.toString('utf8') ?? null },
              error: error?.message ?? null,
            })),
      problems: problems === undefined || problems instanceof AppError ? null : problems.problems,
    }
  }

  function versionOf(nodeId: NodeId, kind: ServiceKind): string {
    const node = fleet.snapshot().nodes.find(({ id }) => id === nodeId)
    return node?.services.find((service) => service.kind === kind)?.version ?? ''
  }

  function routerOf(id: RouterId): RouterView {
    const { routers } = fleet.snapshot()
    const found = routers.find((router) => router.id === id)
    if (found !== undefined) return found
    const known = routers.map((router) => router.id).join(', ') || 'none'
    throw new AppError('request.not-found', `No virtual router "${id}" was read; there are ${known}.`)
  }

  return async (id, fault, signal) => {
    const { members: known } = routerOf(id)
    const members = await Promise.all(
      known.map(async ({ nodeId }) => {
        const evidence = await told(() => memberEvidence(nodeId, signal), signal, 'connection too')
        return evidence instanceof AppError ? { nodeId, unread: evidence.message } : evidence
      }),
    )
    // as it stands when everything else is known
    const router = routerOf(id)
    const active = router.holders.length === 1 ? (router.holders[0] ?? null) : null
    const files = new Map(members.map((member) => [member.nodeId, 'unread' in member ? [] : keepalivedViews(member)] as const))
    const vrrp = membersOf(router, files)
    const owner = vrrp.find(({ nodeId }) => nodeId === active)
    const prediction =
      owner === undefined || active === null
        ? null
        : predict({
            ...{ router: id, members: vrrp, node: active, gone: goneWith({ fleet }, router, active, fault) },
            ...{ fault, effect: effectOf(fault, owner), probeEveryMs: 20 },
          })
    return judgeReadiness({ router, fault, at: clock.now(), active, prediction, members })
  }
}

/** What came out, or what the node said instead. A cancelled call ends everything, and so does a lost connection unless it is asked for. */
async function told<T>(work: () => Promise<T>, signal: AbortSignal, also?: 'connection too'): Promise<T | AppError> {
  try {
    return await work()
  } catch (thrown) {
    signal.throwIfAborted()
    const error = appErrorFrom(thrown)
    if (error.code === 'host.internal' || (also === undefined && /^(ssh|node)\./.test(error.code))) throw error
    return error
  }
}

const keepalivedViews = ({ services }: MemberEvidence) =>
  services.flatMap(({ kind, files }) =>
    kind === 'keepalived' ? files.flatMap(({ path, text }) => (text === null ? [] : [viewOf(path, parseTree(text))])) : [],
  )
