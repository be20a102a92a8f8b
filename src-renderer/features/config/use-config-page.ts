import { computed, watch } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import type { NodeConfigFile, NodeId, NodeView } from '#contract'
import { useConfigStore } from '../../stores/config.ts'
import { useFleetStore } from '../../stores/fleet.ts'
import { treeFrom } from './tree-model.ts'

export interface OpenFile {
  node: NodeView
  file: NodeConfigFile
  /** the member of its pair to compare with; null where there is none that could be read */
  other: { node: NodeView; file: NodeConfigFile | null } | null
}

/** Which file is open stands in the address, so that a reload, the palette and the back button find it again. */
export function useConfigPage() {
  const route = useRoute()
  const router = useRouter()
  const fleet = useFleetStore()
  const config = useConfigStore()

  const groups = computed(() =>
    treeFrom({
      nodes: fleet.nodes.values(),
      pairs: fleet.pairs,
      filesOf: config.of,
      findingsOf: config.findingsOf,
      diffOf: config.diffOf,
    }),
  )
  const allNodes = computed(() => groups.value.flatMap(({ nodes }) => nodes))
  const text = (name: string): string | null => {
    const value = route.query[name]
    return typeof value === 'string' ? value : null
  }
  const isComparing = computed(() => text('compare') !== null && open.value?.other != null)
  const line = computed(() => Number(text('line') ?? 0))

  const open = computed<OpenFile | null>(() => {
    const group = groups.value.find(({ nodes }) => nodes.some(({ node }) => node.id === text('node'))) ?? groups.value[0]
    const chosen =
      allNodes.value.find(({ node }) => node.id === text('node')) ?? allNodes.value.find(({ files }) => files.length > 0)
    const file = (chosen?.files.find((each) => each.file.path === text('path')) ?? chosen?.files[0])?.file
    if (!chosen || !file) return null
    const member = group?.pair
      ? group.nodes.find(({ node, state }) => node.id !== chosen.node.id && state.config !== null)
      : null
    const same = member?.files.find((each) => each.file.path === file.path && each.file.kind === file.kind)?.file ?? null
    return { node: chosen.node, file, other: member ? { node: member.node, file: same } : null }
  })

  const query = (node: NodeId, path: string, more: Record<string, string> = {}) => ({ query: { node, path, ...more } })
  const show = (node: NodeId, path: string, at?: number) =>
    void router.replace(query(node, path, at === undefined ? (isComparing.value ? { compare: '' } : {}) : { line: String(at) }))
  function setComparing(on: boolean) {
    if (open.value) void router.replace(query(open.value.node.id, open.value.file.path, on ? { compare: '' } : {}))
  }

  async function readAll() {
    await Promise.all([...fleet.nodes.keys()].map((node) => config.load(node)))
    for (const pair of fleet.pairs) await config.review(pair.nodes)
  }
  watch(
    () => fleet.phase === 'ready',
    (ready) => void (ready && readAll()),
    { immediate: true },
  )
  watch(
    () => open.value?.file,
    (file) => void (file && config.outline(file)),
    { immediate: true },
  )

  /** when the oldest of what is shown was read */
  const readAt = computed(() => {
    const times = allNodes.value.flatMap(({ state }) => state.config?.at ?? [])
    return times.length === 0 ? null : Math.min(...times)
  })
  return { groups, allNodes, open, line, isComparing, readAt, show, setComparing, readAll }
}
