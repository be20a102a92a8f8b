import { computed, watch } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import type { ConfigDraft, NodeConfigFile, NodeId, NodeView, ServiceKind } from '#contract'
import { useConfigStore } from '../../stores/config.ts'
import { useDraftReviewStore } from '../../stores/draft-review.ts'
import { useDraftsStore, type DraftBase } from '../../stores/drafts.ts'
import { useFleetStore } from '../../stores/fleet.ts'
import { usePushesStore } from '../../stores/pushes.ts'
import { treeFrom } from './tree-model.ts'

/** The text, the same as a form, what the draft changes, the other member of the pair beside it, or what it said before. */
export type FileMode = 'file' | 'form' | 'changes' | 'compare' | 'versions'

export interface OpenFile {
  node: NodeView
  file: NodeConfigFile
  draft: ConfigDraft | null
  /** the draft's, else the file's */
  text: string
  /** the member of its pair to compare with; null where there is none that could be read */
  other: { node: NodeView; file: NodeConfigFile | null } | null
}

/** so long after the last key stroke a draft is looked at again */
const lookAfterMs = 250

/** Which file is open stands in the address, so that a reload, the palette and the back button find it again. */
export function useConfigPage() {
  const route = useRoute()
  const router = useRouter()
  const fleet = useFleetStore()
  const config = useConfigStore()
  const drafts = useDraftsStore()
  const review = useDraftReviewStore()
  const pushes = usePushesStore()

  const groups = computed(() =>
    treeFrom({
      nodes: fleet.nodes.values(),
      pairs: fleet.pairs,
      filesOf: config.of,
      findingsOf: config.findingsOf,
      diffOf: config.diffOf,
      isDraft: (node, path) => drafts.of(node, path) !== null,
    }),
  )
  const allNodes = computed(() => groups.value.flatMap(({ nodes }) => nodes))
  const asked = (name: string): string | null => {
    const value = route.query[name]
    return typeof value === 'string' ? value : null
  }
  const line = computed(() => Number(asked('line') ?? 0))

  const open = computed<OpenFile | null>(() => {
    const group = groups.value.find(({ nodes }) => nodes.some(({ node }) => node.id === asked('node'))) ?? groups.value[0]
    const chosen =
      allNodes.value.find(({ node }) => node.id === asked('node')) ?? allNodes.value.find(({ files }) => files.length > 0)
    const file = (chosen?.files.find((each) => each.file.path === asked('path')) ?? chosen?.files[0])?.file
    if (!chosen || !file) return null
    const member = group?.pair
      ? group.nodes.find(({ node, state }) => node.id !== chosen.node.id && state.config !== null)
      : null
    const same = member?.files.find((each) => each.file.path === file.path && each.file.kind === file.kind)?.file ?? null
    const draft = drafts.of(chosen.node.id, file.path)
    const other = member ? { node: member.node, file: same } : null
    return { node: chosen.node, file, draft, text: draft?.text ?? file.text ?? '', other }
  })
  const modes = computed<FileMode[]>(() => {
    const shown = open.value
    if (!shown) return ['file']
    return [
      'file',
      ...when(shown.file.text !== null, 'form'),
      ...when(shown.draft, 'changes'),
      ...when(shown.other, 'compare'),
      'versions',
    ]
  })
  const mode = computed<FileMode>(() => modes.value.find((each) => each === asked('view')) ?? 'file')

  function show(node: NodeId, path: string, at?: number) {
    const view: Record<string, string> = mode.value === 'file' ? {} : { view: mode.value }
    void router.replace({ query: { node, path, ...(at === undefined ? view : { line: String(at) }) } })
  }
  function setMode(next: FileMode) {
    if (!open.value) return
    const { node, file } = open.value
    void router.replace({ query: { node: node.id, path: file.path, ...(next === 'file' ? {} : { view: next }) } })
  }

  async function readAll() {
    const nodes = [...fleet.nodes.keys()]
    await Promise.all([...nodes.map((node) => config.load(node)), pushes.look(nodes)])
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

  /** A node's files of one daemon, in its order, to edit. */
  function basesOf(nodeId: NodeId, kind: ServiceKind): DraftBase[] {
    return (config.of(nodeId).config?.files ?? []).flatMap((file) =>
      file.kind === kind && file.text !== null && file.sha256 !== null
        ? [{ nodeId, path: file.path, kind, sha256: file.sha256, text: file.text }]
        : [],
    )
  }

  let timer = 0
  watch(
    () => open.value?.draft ?? null,
    (draft, before) => {
      window.clearTimeout(timer)
      if (draft?.nodeId !== before?.nodeId || draft?.path !== before?.path) review.forget()
      if (draft === null) return
      const files = basesOf(draft.nodeId, draft.kind).map(({ nodeId, path, kind, text }) => ({
        ...{ path, kind, text: drafts.of(nodeId, path)?.text ?? text },
      }))
      timer = window.setTimeout(() => void review.look(draft, files), review.review === null ? 0 : lookAfterMs)
    },
    { immediate: true },
  )

  /** when the oldest of what is shown was read */
  const readAt = computed(() => {
    const times = allNodes.value.flatMap(({ state }) => state.config?.at ?? [])
    return times.length === 0 ? null : Math.min(...times)
  })
  return { groups, allNodes, open, line, modes, mode, readAt, show, setMode, readAll, basesOf }
}

const when = (holds: unknown, mode: FileMode): FileMode[] => (holds ? [mode] : [])
