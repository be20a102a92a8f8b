import { applyEdits, type ConfigText, type HandoverPlan, type NodeId, type PushRecord, type RouterId } from '#contract'
import { parseTree } from '../domain/keepalived/config-tree.ts'
import { syncGroupOf, viewOf } from '../domain/keepalived/config-view.ts'
import { handoverOf, handoverPriority } from '../domain/push/handover.ts'
import { AppError } from './app-error.ts'
import type { ConfigService } from './config-service.ts'
import { foreseeFault, readMembers, routerOf, type ForeseeParts } from './drills/foresee-fault.ts'
import type { PushService } from './pushes/push-service.ts'

export interface HandoverService {
  /** @throws AppError `request.invalid` with the reason why it cannot be */
  plan(router: RouterId, to: NodeId | undefined, signal: AbortSignal): Promise<HandoverPlan>
  /** Rolls back the newest handover that is in force. @throws AppError `job.not-undoable`: there is none */
  back(router: RouterId, by: { author: string; reason: string }, signal: AbortSignal): Promise<PushRecord>
}

/** pushes among which the last handover is looked for */
const pushesSearched = 200

const refused = (why: string): AppError => new AppError('request.invalid', why)

/** A handover is a push of a priority: guarded, watched and kept like any other, and taken back the same way. */
export function createHandoverService(
  parts: ForeseeParts & { config: Pick<ConfigService, 'fetch' | 'edit'>; pushes: Pick<PushService, 'list' | 'rollback'> },
): HandoverService {
  const { config, pushes, fleet } = parts

  return {
    async plan(id, wanted, signal) {
      const router = routerOf(parts, id)
      const found = handoverOf(router, wanted)
      if (typeof found === 'string') throw refused(found)
      const { from, to } = found
      const fetched = (await config.fetch(from.nodeId, false, signal)).files
      const files = fetched.flatMap((file) =>
        file.kind === 'keepalived' && file.text !== null && file.sha256 !== null
          ? [{ ...file, text: file.text, sha256: file.sha256 }]
          : [],
      )
      const names = syncGroupOf(
        files.map(({ path, text }) => viewOf(path, parseTree(text))),
        router.name,
      ) ?? [router.name]
      const after = new Map<string, string>()
      const told: string[] = []
      for (const name of names) {
        const own = fleet.snapshot().routers.find((each) => each.name === name && each.pair === router.pair)
        const [mine, theirs] = [from, to].map(({ nodeId }) => own?.members.find((each) => each.nodeId === nodeId))
        if (mine === undefined || theirs === undefined)
          throw refused(`${name} moves together with ${router.name}, and is not known on ${from.nodeId} and ${to.nodeId}.`)
        const priority = handoverPriority(mine, theirs)
        if (typeof priority === 'string') throw refused(priority)
        const texts = files.map(({ path, text }): ConfigText => ({ path, kind: 'keepalived', text: after.get(path) ?? text }))
        const value = String(priority)
        const [change] = config.edit(texts, {
          kind: 'keepalived',
          what: 'router.set',
          router: name,
          keyword: 'priority',
          value,
        })
        const text = texts.find(({ path }) => path === change?.path)?.text
        if (change === undefined || text === undefined)
          throw refused(`The priority of ${name} stands in no file of ${from.nodeId}.`)
        after.set(change.path, applyEdits(text, change.edits))
        told.push(`${name} gets priority ${priority} on ${from.nodeId}`)
      }
      const foreseen = await readMembers(parts, id, signal)
      return {
        handover: { router: id, from: from.nodeId, to: to.nodeId },
        files: files.flatMap(({ path, text: baseText, sha256: baseSha256, encoding }) => {
          const text = after.get(path)
          return text === undefined ? [] : [{ nodeId: from.nodeId, path, baseSha256, baseText, text, encoding }]
        }),
        said: `${told.join(', ')}, so that ${to.nodeId} takes over while ${from.nodeId} still serves.`,
        prediction: foreseeFault(parts, foreseen, from.nodeId, 'priority-drop', 20),
      }
    },

    async back(id, by, signal) {
      routerOf(parts, id)
      const last = pushes.list(pushesSearched).find(({ handover, state }) => handover?.router === id && state === 'succeeded')
      if (last === undefined || last.undoes !== null) {
        throw new AppError('job.not-undoable', `No handover of ${id} is in force, so there is nothing to take back.`)
      }
      return pushes.rollback(last.id, undefined, by, signal)
    },
  }
}
