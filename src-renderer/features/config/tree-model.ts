import type { ConfigDiff, InventoryPair, LintFinding, NodeConfigFile, NodeId, NodeView, ServiceKind } from '#contract'
import type { NodeFiles } from '../../stores/config.ts'

export interface TreeFile {
  file: NodeConfigFile
  /** the last part of the path, and what stands before it */
  name: string
  folder: string
  findings: number
  /** the worst of them; null when there are none */
  worst: LintFinding['severity'] | null
  /** a member of its pair has something else here that is not meant to differ */
  differs: boolean
  /** somebody is writing it */
  isDraft: boolean
}

export interface TreeNode {
  node: NodeView
  files: TreeFile[]
  state: NodeFiles
}

export interface TreeGroup {
  /** null: nodes without a pair */
  pair: InventoryPair | null
  nodes: TreeNode[]
}

export interface TreeParts {
  nodes: Iterable<NodeView>
  pairs: readonly InventoryPair[]
  filesOf: (node: NodeId) => NodeFiles
  findingsOf: (node: NodeId) => readonly LintFinding[]
  diffOf: (before: NodeId, after: NodeId) => ConfigDiff | null
  isDraft: (node: NodeId, path: string) => boolean
}

const services: readonly ServiceKind[] = ['haproxy', 'nginx', 'keepalived']
const severities: readonly LintFinding['severity'][] = ['error', 'warning', 'info']

/** Pairs in the inventory's order, each with its nodes; nodes that belong to none at the end. */
export function treeFrom(parts: TreeParts): TreeGroup[] {
  const nodes = [...parts.nodes]
  const groups = parts.pairs.map((pair): TreeGroup => {
    const members = pair.nodes.flatMap((id) => nodes.find((node) => node.id === id) ?? [])
    return { pair, nodes: members.map((node) => treeNode(node, pair, parts)) }
  })
  const alone = nodes.filter(({ id }) => !parts.pairs.some((pair) => pair.nodes.includes(id)))
  const rest = alone.sort((a, b) => a.name.localeCompare(b.name)).map((node) => treeNode(node, null, parts))
  return [...groups, { pair: null, nodes: rest }].filter((group) => group.nodes.length > 0)
}

function treeNode(node: NodeView, pair: InventoryPair | null, parts: TreeParts): TreeNode {
  const state = parts.filesOf(node.id)
  const findings = parts.findingsOf(node.id)
  const differing = differingPaths(node.id, pair, parts.diffOf)
  const files = (state.config?.files ?? []).map((file): TreeFile => {
    const own = findings.filter((each) => each.file === file.path)
    const cut = file.path.lastIndexOf('/') + 1
    return {
      file,
      name: file.path.slice(cut),
      folder: file.path.slice(0, cut),
      findings: own.length,
      worst: severities.find((severity) => own.some((each) => each.severity === severity)) ?? null,
      differs: differing.has(file.path),
      isDraft: parts.isDraft(node.id, file.path),
    }
  })
  files.sort((a, b) => services.indexOf(a.file.kind) - services.indexOf(b.file.kind))
  return { node, files, state }
}

/** Comparisons begin at the pair's first member, so each other one has one, and the first has all of them. */
function differingPaths(node: NodeId, pair: InventoryPair | null, diffOf: TreeParts['diffOf']): Set<string> {
  const [first, ...others] = pair?.nodes ?? []
  if (first === undefined) return new Set()
  const diffs = node === first ? others.map((other) => diffOf(first, other)) : [diffOf(first, node)]
  const side = node === first ? 'before' : 'after'
  const changes = diffs.flatMap((diff) => diff?.changes ?? []).filter(({ perNode }) => !perNode)
  return new Set(changes.flatMap(({ at }) => at[side]?.file ?? at.before?.file ?? at.after?.file ?? []))
}

export interface SearchHit {
  node: NodeView
  file: NodeConfigFile
  line: number
  text: string
}

/** Every line of every file that contains the words, upper or lower case; the first of them, and how many there are. */
export function searchFiles(groups: readonly TreeGroup[], query: string, limit: number): { hits: SearchHit[]; total: number } {
  const wanted = query.trim().toLowerCase()
  const hits: SearchHit[] = []
  let total = 0
  if (wanted === '') return { hits, total }
  for (const { node, files } of groups.flatMap((group) => group.nodes)) {
    for (const { file } of files) {
      for (const [index, text] of (file.text ?? '').split('\n').entries()) {
        if (!text.toLowerCase().includes(wanted)) continue
        total += 1
        if (hits.length < limit) hits.push({ node, file, line: index + 1, text: text.trim() })
      }
    }
  }
  return { hits, total }
}
