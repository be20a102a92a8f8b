import { defineStore } from 'pinia'
import { computed, shallowRef, watch } from 'vue'
import type { Handover, InputOf, NodeId, PushCheck, PushId, PushPlan, PushRecord, RouterId } from '#contract'
import { callErrorFrom, type CallError } from '../bridge/call-error.ts'
import { useClient } from '../bridge/client.ts'
import { createCallState } from './call-state.ts'
import { useConfigStore } from './config.ts'
import { useDraftsStore } from './drafts.ts'
import { usePushesStore } from './pushes.ts'

/** A file as it is to be, with defaults left out; what crosses the border is checked there. */
export type PushInputFile = Omit<InputOf<'push.plan'>['files'][number], 'nodeId'> & { nodeId: NodeId }
export type PushInput = Omit<InputOf<'push.plan'>, 'files'> & { files: PushInputFile[] }

/** The push that is being thought about: its plan and what the daemons say of it, asked again whenever it changes; then the push itself. */
export const usePushDraftStore = defineStore('pushDraft', () => {
  const client = useClient()
  const config = useConfigStore()
  const drafts = useDraftsStore()
  const pushes = usePushesStore()
  /** what could be pushed; null = the sheet shows no plan */
  const files = shallowRef<readonly PushInputFile[] | null>(null)
  /** what it is for; null = for what its files say */
  const handover = shallowRef<Handover | null>(null)
  const plan = shallowRef<PushPlan | null>(null)
  const checks = shallowRef<readonly PushCheck[] | null>(null)
  const planning = shallowRef(false)
  const planError = shallowRef<CallError | null>(null)
  const checkError = shallowRef<CallError | null>(null)
  const starting = createCallState()
  const shownId = shallowRef<PushId | null>(null)
  const shown = computed(() => (shownId.value === null ? null : (pushes.byId.get(shownId.value) ?? null)))
  /** what the pushes of this window have sent: drafts that are on their nodes are drafts no more */
  const sent = new Map<PushId, readonly PushInputFile[]>()
  let abort: AbortController | null = null

  function open(asked: readonly PushInputFile[]): void {
    close()
    if (asked.length > 0) files.value = [...asked]
  }

  /** A virtual router is to go to another member: opens with what that takes. */
  async function move(router: RouterId, to: NodeId): Promise<void> {
    const found = await client.call('vips.planMove', { router, to })
    close()
    handover.value = found.handover
    files.value = found.files
  }

  /** Shows a push that was begun, now or long ago. */
  function show(push: PushId): void {
    close()
    shownId.value = push
    if (!pushes.byId.has(push)) void pushes.fetch(push)
  }

  /** Only the answer to the newest question counts. The daemons are asked once it is known what changes where. */
  async function replan(request: PushInput): Promise<void> {
    abort?.abort()
    const own = new AbortController()
    abort = own
    planError.value = checkError.value = null
    plan.value = checks.value = null
    planning.value = true
    const options = { signal: own.signal }
    try {
      const found = await client.call('push.plan', request, options)
      if (abort !== own) return
      plan.value = found
      if (found.targets.length > 0) await check(request, own)
    } catch (thrown) {
      if (abort === own) planError.value = callErrorFrom(thrown)
    } finally {
      if (abort === own) planning.value = false
    }
  }

  async function check(request: PushInput, own: AbortController): Promise<void> {
    try {
      const found = await client.call('push.check', request, { signal: own.signal })
      if (abort === own) checks.value = found
    } catch (thrown) {
      if (abort === own) checkError.value = callErrorFrom(thrown)
    }
  }

  async function start(request: PushInput, reason: string): Promise<void> {
    await starting.run(async () => begun(await client.call('push.start', { ...request, reason }), request.files))
  }

  /** Pushes what was there before a push, to all nodes that have it. */
  async function rollback(push: PushId, reason: string): Promise<void> {
    await starting.run(async () => begun(await client.call('push.rollback', { push, reason }), []))
  }

  /** What taking a push back would do. */
  const planRollback = (push: PushId): Promise<PushPlan> => client.call('push.planRollback', { push })

  function begun(push: PushRecord, asked: readonly PushInputFile[]): void {
    sent.set(push.id, asked)
    const known = pushes.byId.get(push.id)
    // an event that overtook the answer is newer than it
    if (known === undefined) pushes.keep(push)
    show(push.id)
    tidy()
  }

  /** What has come to its node is read again, and is no draft any more unless more was typed since. */
  function tidy(): void {
    for (const [id, asked] of sent) {
      const push = pushes.byId.get(id)
      if (push === undefined || push.endedAt === null) continue
      sent.delete(id)
      const done = push.targets.filter(({ phase }) => phase === 'done')
      for (const { nodeId, path, text } of asked) {
        if (done.some((target) => target.nodeId === nodeId) && drafts.of(nodeId, path)?.text === text)
          void drafts.drop(nodeId, path)
      }
      const nodes = new Set<NodeId>(push.targets.map(({ nodeId }) => nodeId))
      for (const node of nodes) void config.load(node)
      void pushes.look([...nodes])
    }
  }
  watch(() => pushes.byId, tidy)

  function close(): void {
    abort?.abort()
    abort = null
    files.value = handover.value = plan.value = checks.value = shownId.value = null
    planError.value = checkError.value = starting.error.value = null
    planning.value = false
  }

  return {
    files,
    handover,
    plan,
    checks,
    planning,
    planError,
    checkError,
    shownId,
    shown,
    starting: starting.busy,
    startError: starting.error,
    open,
    move,
    show,
    replan,
    start,
    planRollback,
    rollback,
    close,
  }
})
