import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { PracticeScenario, PracticeScenarioId, PracticeStatus, PracticeTargetKind } from '#contract'
import { useClient } from '../bridge/client.ts'
import { createCallState } from './call-state.ts'

/** A fleet of this host tells its state every two seconds; one of another process must be asked. */
const QUIET_MS = 5_000
const TICK_MS = 4_000

/** One scenario where it happens now. */
export interface Trouble {
  id: PracticeScenarioId
  on: PracticeTargetKind
  target: string | null
  value: number | null
  since: number
}

const clientScenarios: readonly PracticeScenarioId[] = ['load', 'sticky-share']

/** The practice fleet: whether there is one, what troubles it, what its clients see. Its nodes are in the fleet store like any others. */
export const usePracticeStore = defineStore('practice', () => {
  const client = useClient()
  const status = shallowRef<PracticeStatus | null>(null)
  const loading = createCallState()
  const opening = createCallState()
  const closing = createCallState()
  const acting = createCallState()
  let heardAt = 0

  function hear(next: PracticeStatus) {
    heardAt = Date.now()
    status.value = next
  }
  const load = () => loading.run(async () => hear(await client.call('practice.status', {})))

  function follow(): () => void {
    const offStatus = client.on('practice.changed', hear)
    const offInventory = client.on('inventory.changed', () => void load())
    const offLink = client.onLink((state) => state === 'open' && void load())
    const timer = setInterval(() => {
      const isWanted = status.value?.state === 'open' || loading.error.value !== null
      if (isWanted && !loading.busy.value && Date.now() - heardAt > QUIET_MS) void load()
    }, TICK_MS)
    return () => {
      offStatus()
      offInventory()
      offLink()
      clearInterval(timer)
    }
  }

  const scenarios = computed<readonly PracticeScenario[]>(() => status.value?.scenarios ?? [])
  const troubles = computed<Trouble[]>(() =>
    scenarios.value
      .filter(({ id }) => !clientScenarios.includes(id))
      .flatMap(({ id, on, active }) => active.map((where) => ({ id, on, ...where })))
      .sort((a, b) => a.since - b.since),
  )

  return {
    status,
    state: computed(() => status.value?.state ?? 'closed'),
    scenarios,
    troubles,
    load: computed(() => status.value?.load ?? null),
    targets: computed(() => status.value?.targets ?? { backend: [], node: [], site: [] }),
    loadError: loading.error,
    opening: opening.busy,
    openError: opening.error,
    closing: closing.busy,
    closeError: closing.error,
    acting: acting.busy,
    actError: acting.error,
    clearActError: () => (acting.error.value = null),
    follow,
    open: () => opening.run(async () => hear(await client.call('practice.open', {}))),
    close: () => closing.run(async () => hear(await client.call('practice.close', {}))),
    make: (scenario: PracticeScenarioId, target: string | null, value: number | null) =>
      acting.run(async () =>
        hear(
          await client.call('practice.do', {
            scenario,
            ...(target === null ? {} : { target }),
            ...(value === null ? {} : { value }),
          }),
        ),
      ),
    /** Without a scenario everything is put right. */
    revert: (scenario?: PracticeScenarioId, target?: string | null) =>
      acting.run(async () =>
        hear(
          await client.call('practice.revert', {
            ...(scenario === undefined ? {} : { scenario }),
            ...(target == null ? {} : { target }),
          }),
        ),
      ),
  }
})
