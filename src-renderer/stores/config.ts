import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { ConfigDiff, ConfigText, LintFinding, NodeConfig, NodeConfigFile, NodeId, ParsedConfig } from '#contract'
import { callErrorFrom, type CallError } from '../bridge/call-error.ts'
import { useClient } from '../bridge/client.ts'

export interface NodeFiles {
  busy: boolean
  /** as it was last read; kept when a later reading fails, with the error beside it */
  config: NodeConfig | null
  error: CallError | null
}

const none: NodeFiles = { busy: false, config: null, error: null }

const textsOf = ({ files }: NodeConfig): ConfigText[] =>
  files.flatMap(({ path, kind, text }) => (text === null ? [] : [{ path, kind, text }]))

/** Configuration files of the fleet, read when a page asks for them. Passwords come masked. */
export const useConfigStore = defineStore('config', () => {
  const client = useClient()
  const byNode = shallowRef<ReadonlyMap<NodeId, NodeFiles>>(new Map())
  const diffs = shallowRef<ReadonlyMap<string, ConfigDiff>>(new Map())
  const pairFindings = shallowRef<ReadonlyMap<NodeId, readonly LintFinding[]>>(new Map())
  const parsed = shallowRef<ReadonlyMap<string, ParsedConfig['outline']>>(new Map())
  const error = shallowRef<CallError | null>(null)
  const busy = computed(() => [...byNode.value.values()].some((each) => each.busy))

  const of = (node: NodeId): NodeFiles => byNode.value.get(node) ?? none
  const set = (node: NodeId, state: Partial<NodeFiles>) =>
    (byNode.value = new Map(byNode.value).set(node, { ...of(node), ...state }))

  async function load(node: NodeId): Promise<void> {
    if (of(node).busy) return
    set(node, { busy: true, error: null })
    try {
      set(node, { config: await client.call('config.fetch', { node }) })
    } catch (thrown) {
      set(node, { error: callErrorFrom(thrown) })
    } finally {
      set(node, { busy: false })
    }
  }

  /** What differs from one node to the other, as both were last read. */
  async function compare(before: NodeId, after: NodeId): Promise<void> {
    const [one, other] = [of(before).config, of(after).config]
    if (!one || !other) return
    try {
      const isUnread = unreadOf([one, other])
      const [left, right] = [one, other].map((each) => textsOf(each).filter((file) => !isUnread(file)))
      const diff = await client.call('config.diff', { before: left ?? [], after: right ?? [] })
      diffs.value = new Map(diffs.value).set(`${before} ${after}`, diff)
      error.value = null
    } catch (thrown) {
      error.value = callErrorFrom(thrown)
    }
  }

  /** What only the members of a pair tell together: how they differ, and what keepalived's files say to each other. */
  async function review(members: readonly NodeId[]): Promise<void> {
    const [first, ...others] = members.filter((node) => of(node).config !== null)
    if (first === undefined || others.length === 0) return
    for (const other of others) await compare(first, other)
    const files = [first, ...others].flatMap((node) =>
      textsOf(of(node).config ?? emptyConfig(node))
        .filter(({ kind }) => kind === 'keepalived')
        .map((file) => ({ ...file, path: `${node}:${file.path}` })),
    )
    if (files.length < 2) return
    try {
      const found = await client.call('config.lint', { files })
      const next = new Map(pairFindings.value)
      for (const node of [first, ...others]) next.set(node, newFindings(node, found, of(node).config?.findings ?? []))
      pairFindings.value = next
    } catch (thrown) {
      error.value = callErrorFrom(thrown)
    }
  }

  /** What a file means; asked once for the same bytes. */
  async function outline(file: NodeConfigFile): Promise<void> {
    const key = outlineKey(file)
    if (file.text === null || parsed.value.has(key)) return
    try {
      const { path, kind, text } = file
      const answer = await client.call('config.parse', { path, kind, text })
      parsed.value = new Map(parsed.value).set(key, answer.outline)
    } catch (thrown) {
      error.value = callErrorFrom(thrown)
    }
  }

  return {
    byNode,
    busy,
    error,
    of,
    load,
    review,
    outline,
    outlineOf: (file: NodeConfigFile) => parsed.value.get(outlineKey(file)) ?? null,
    /** the node's own, then what its pair tells */
    findingsOf: (node: NodeId): readonly LintFinding[] => [
      ...(of(node).config?.findings ?? []),
      ...(pairFindings.value.get(node) ?? []),
    ],
    diffOf: (before: NodeId, after: NodeId) => diffs.value.get(`${before} ${after}`) ?? null,
  }
})

/** A file that one of them could not read is no difference. */
function unreadOf(configs: readonly NodeConfig[]): (file: ConfigText) => boolean {
  const unread = new Set(configs.flatMap(({ files }) => files.flatMap(({ path, text }) => (text === null ? [path] : []))))
  return ({ path }) => unread.has(path)
}

const emptyConfig = (nodeId: NodeId): NodeConfig => ({ nodeId, at: 0, files: [], findings: [], failures: [] })

/** Of those found together, the ones on this node that it does not have by itself; its files by their own path again. */
function newFindings(node: NodeId, found: readonly LintFinding[], own: readonly LintFinding[]): LintFinding[] {
  const key = ({ rule, file, line }: LintFinding): string => `${rule} ${file}:${line}`
  const known = new Set(own.map(key))
  const here = found.flatMap((each) =>
    each.file.startsWith(`${node}:`) ? [{ ...each, file: each.file.slice(node.length + 1) }] : [],
  )
  return here.filter((each) => !known.has(key(each)))
}

const outlineKey = ({ path, sha256 }: NodeConfigFile): string => `${path} ${sha256 ?? ''}`
