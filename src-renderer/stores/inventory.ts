import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type {
  InputOf,
  Inventory,
  InventoryNode,
  InventoryPair,
  InventorySite,
  NodeId,
  OutputOf,
  PairId,
  SiteId,
} from '#contract'
import { useClient } from '../bridge/client.ts'
import { createCallState } from './call-state.ts'

export type ImportReport = OutputOf<'inventory.import'>

/** The inventory as the operator wrote it: what may be edited. What is read from the nodes is the fleet store's. */
export const useInventoryStore = defineStore('inventory', () => {
  const client = useClient()
  const inventory = shallowRef<Inventory | null>(null)
  const loading = createCallState()
  const saving = createCallState()

  const load = () => loading.run(async () => void (inventory.value = await client.call('inventory.get', {})))

  function follow(): () => void {
    const offEvents = client.on('inventory.changed', () => void load())
    const offLink = client.onLink((state) => state === 'open' && void load())
    return () => {
      offEvents()
      offLink()
    }
  }

  /** Every change asks for the inventory again, so that what is shown is what main kept. */
  const change = (call: () => Promise<unknown>) =>
    saving.run(async () => {
      await call()
      await load()
    })

  return {
    inventory,
    loading: loading.busy,
    loadError: loading.error,
    saving: saving.busy,
    saveError: saving.error,
    clearSaveError: () => (saving.error.value = null),
    follow,
    load,
    putNode: (node: InventoryNode, create: boolean) => change(() => client.call('inventory.putNode', { node, create })),
    removeNode: (node: NodeId) => change(() => client.call('inventory.removeNode', { node })),
    putSite: (site: InventorySite) => change(() => client.call('inventory.putSite', site)),
    removeSite: (site: SiteId) => change(() => client.call('inventory.removeSite', { site })),
    putPair: (pair: InventoryPair) => change(() => client.call('inventory.putPair', pair)),
    removePair: (pair: PairId) => change(() => client.call('inventory.removePair', { pair })),
    async importText(input: InputOf<'inventory.import'>): Promise<ImportReport | null> {
      let report: ImportReport | null = null
      await change(async () => void (report = await client.call('inventory.import', input)))
      return report
    },
    exportText: (format: 'yaml' | 'json') => client.call('inventory.export', { format }).then((answer) => answer.text),
    sshHosts: () => client.call('inventory.sshHosts', {}),
  }
})
