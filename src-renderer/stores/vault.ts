import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { KeyChoice, NodeId, VaultStatus } from '#contract'
import { useClient } from '../bridge/client.ts'
import { createCallState } from './call-state.ts'

type SecretKind = VaultStatus['secrets'][number]['kind']

/** The vault's state and what it holds. Values go in; none ever comes back to the window. */
export const useVaultStore = defineStore('vault', () => {
  const client = useClient()
  const status = shallowRef<VaultStatus | null>(null)
  const call = createCallState()

  const load = () => call.run(async () => void (status.value = await client.call('vault.status', {})))
  const change = (send: () => Promise<unknown>) =>
    call.run(async () => {
      await send()
      status.value = await client.call('vault.status', {})
    })

  return {
    status,
    busy: call.busy,
    error: call.error,
    load,
    unlock: (passphrase: string) => change(() => client.call('vault.unlock', { passphrase })),
    changeKey: (to: KeyChoice, currentPassphrase: string | null) =>
      change(() => client.call('vault.changeKey', { to, currentPassphrase })),
    putSecret: (node: NodeId, kind: SecretKind, value: string) =>
      change(() => client.call('vault.putSecret', { node, kind, value })),
    removeSecret: (node: NodeId, kind: SecretKind) => change(() => client.call('vault.removeSecret', { node, kind })),
  }
})
