import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { HostKeyDetails, NodeId, ProbeReport, TrustedKey } from '#contract'
import { callErrorFrom, type CallError } from '../bridge/call-error.ts'
import { useClient } from '../bridge/client.ts'
import { createCallState } from './call-state.ts'

export interface ProbeState {
  busy: boolean
  report: ProbeReport | null
  error: CallError | null
}

const none: ProbeState = { busy: false, report: null, error: null }

/** What was found out about each node, and the host keys the operator trusts. */
export const useProbesStore = defineStore('probes', () => {
  const client = useClient()
  const byNode = shallowRef<ReadonlyMap<NodeId, ProbeState>>(new Map())
  const trustedKeys = shallowRef<readonly TrustedKey[]>([])
  const trusting = createCallState()

  const set = (node: NodeId, state: Partial<ProbeState>) =>
    (byNode.value = new Map(byNode.value).set(node, { ...none, ...byNode.value.get(node), ...state }))

  async function probe(node: NodeId): Promise<void> {
    set(node, { busy: true, error: null })
    try {
      set(node, { report: await client.call('node.probe', { node }) })
    } catch (thrown) {
      set(node, { error: callErrorFrom(thrown) })
    } finally {
      set(node, { busy: false })
    }
  }

  async function loadLast(node: NodeId): Promise<void> {
    if (byNode.value.get(node)?.report) return
    try {
      set(node, { report: await client.call('node.lastProbe', { node }) })
    } catch (thrown) {
      set(node, { error: callErrorFrom(thrown) })
    }
  }

  const loadTrustedKeys = () => trusting.run(async () => void (trustedKeys.value = await client.call('node.trustedKeys', {})))

  return {
    byNode,
    trustedKeys,
    trusting: trusting.busy,
    trustError: trusting.error,
    of: (node: NodeId): ProbeState => byNode.value.get(node) ?? none,
    probe,
    loadLast,
    loadTrustedKeys,
    /** Trusts exactly the key that was shown, then dials the node again. */
    trust: (node: NodeId, { host, port, key, fingerprint }: HostKeyDetails) =>
      trusting.run(async () => {
        await client.call('node.trustHostKey', { host, port, key, fingerprint })
        await client.call('fleet.refresh', { node })
      }),
    forget: ({ host, port, fingerprint }: TrustedKey) =>
      trusting.run(async () => {
        await client.call('node.forgetHostKey', { host, port, fingerprint })
        trustedKeys.value = await client.call('node.trustedKeys', {})
      }),
  }
})
