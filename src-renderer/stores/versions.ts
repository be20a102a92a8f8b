import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { ConfigDiff, ConfigVersion, NodeId, ServiceKind } from '#contract'
import { useClient } from '../bridge/client.ts'
import { createCallState } from './call-state.ts'

const PAGE = 100

export interface ComparedVersions {
  before: string
  after: string
  diff: ConfigDiff
}

/** The kept versions of one file of one node, newest first, and what differs between two of them. */
export const useVersionsStore = defineStore('versions', () => {
  const client = useClient()
  const list = shallowRef<readonly ConfigVersion[] | null>(null)
  const exhausted = shallowRef(false)
  const compared = shallowRef<ComparedVersions | null>(null)
  const loading = createCallState()
  const comparing = createCallState()
  let file: { node: NodeId; path: string } | null = null
  let asked = ''

  async function load(node: NodeId, path: string): Promise<void> {
    const own = (file = { node, path })
    list.value = compared.value = null
    await loading.run(async () => {
      const page = await client.call('config.versions', { ...own, limit: PAGE })
      if (file === own) take([], page)
    })
  }

  async function loadOlder(): Promise<void> {
    const [own, known] = [file, list.value ?? []]
    const oldest = known.at(-1)
    if (own === null || oldest === undefined) return
    await loading.run(async () => {
      const page = await client.call('config.versions', { ...own, before: oldest.id, limit: PAGE })
      if (file === own) take(known, page)
    })
  }

  function take(known: readonly ConfigVersion[], page: readonly ConfigVersion[]): void {
    list.value = [...known, ...page]
    exhausted.value = page.length < PAGE
  }

  /** Only the answer to the newest question counts. */
  async function compare({ kind, path, id: from }: ConfigVersion, { id: to }: ConfigVersion): Promise<void> {
    const key = (asked = `${from} ${to}`)
    await comparing.run(async () => {
      const [before, after] = await Promise.all(
        [from, to].map(async (id) => (await client.call('config.version', { id })).text),
      )
      const as = (text = ''): { kind: ServiceKind; path: string; text: string } => ({ kind, path, text })
      const diff = await client.call('config.diff', { before: [as(before)], after: [as(after)] })
      if (asked === key) compared.value = { before: before ?? '', after: after ?? '', diff }
    })
  }

  return {
    list,
    exhausted,
    compared,
    load,
    loadOlder,
    compare,
    loading: loading.busy,
    error: loading.error,
    comparing: comparing.busy,
    compareError: comparing.error,
  }
})
