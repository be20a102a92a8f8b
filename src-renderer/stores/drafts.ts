import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { applyEdits, type CarriedChange, type ConfigDraft, type ConfigIntent, type ConfigText, type NodeId } from '#contract'
import { callErrorFrom, type CallError } from '../bridge/call-error.ts'
import { useClient } from '../bridge/client.ts'

/** A file on its node, as it was last read. */
export interface DraftBase {
  nodeId: NodeId
  path: string
  kind: ConfigDraft['kind']
  sha256: string
  text: string
}

const keyOf = (nodeId: NodeId, path: string): string => `${nodeId} ${path}`
/** so long after the last key stroke a draft is sent to be kept */
const saveAfterMs = 400

/** Files as they are being written, kept by main: a reload of the window, and mostly its end, does not lose them. */
export const useDraftsStore = defineStore('drafts', () => {
  const client = useClient()
  const byKey = shallowRef<ReadonlyMap<string, ConfigDraft>>(new Map())
  const error = shallowRef<CallError | null>(null)
  /** the one that was thrown away last, to bring back */
  const discarded = shallowRef<ConfigDraft | null>(null)
  /** drafts that main does not have yet, with the timer that will send them */
  const unsent = new Map<string, { nodeId: NodeId; path: string; timer: number }>()

  /** how many calls about a draft are not answered yet */
  const onTheWay = new Map<string, number>()

  const of = (nodeId: NodeId, path: string): ConfigDraft | null => byKey.value.get(keyOf(nodeId, path)) ?? null
  function keep(nodeId: NodeId, path: string, draft: ConfigDraft | null): void {
    const next = new Map(byKey.value)
    if (draft === null) next.delete(keyOf(nodeId, path))
    else next.set(keyOf(nodeId, path), draft)
    byKey.value = next
  }

  /** The next state of a file's text. One that says what the file says is no draft any more. */
  function write(file: DraftBase, text: string): void {
    const { nodeId, path, kind } = file
    const known = of(nodeId, path)
    const base = known ?? { baseSha256: file.sha256, baseText: file.text, kept: 'disk' as const }
    if (text === (known?.text ?? file.text)) return
    discarded.value = null
    const { baseSha256, baseText, kept } = base
    keep(
      nodeId,
      path,
      text === baseText ? null : { nodeId, path, kind, baseSha256, baseText, text, changedAt: Date.now(), kept },
    )
    const key = keyOf(nodeId, path)
    window.clearTimeout(unsent.get(key)?.timer)
    unsent.set(key, { nodeId, path, timer: window.setTimeout(() => void send(key), saveAfterMs) })
  }

  async function send(key: string): Promise<void> {
    const waiting = unsent.get(key)
    if (!waiting) return
    window.clearTimeout(waiting.timer)
    unsent.delete(key)
    const { nodeId, path } = waiting
    const draft = of(nodeId, path)
    onTheWay.set(key, (onTheWay.get(key) ?? 0) + 1)
    try {
      if (draft === null) await client.call('draft.discard', { nodeId, path })
      else {
        const { changedAt: _at, kept: _kept, ...rest } = draft
        await client.call('draft.put', rest)
      }
      error.value = null
    } catch (thrown) {
      error.value = callErrorFrom(thrown)
    } finally {
      onTheWay.set(key, (onTheWay.get(key) ?? 1) - 1)
    }
  }

  /** It has come to its node, so that there is nothing to bring back. */
  async function drop(nodeId: NodeId, path: string): Promise<void> {
    keep(nodeId, path, null)
    window.clearTimeout(unsent.get(keyOf(nodeId, path))?.timer)
    unsent.set(keyOf(nodeId, path), { nodeId, path, timer: 0 })
    await send(keyOf(nodeId, path))
  }

  async function discard(nodeId: NodeId, path: string): Promise<void> {
    discarded.value = of(nodeId, path)
    await drop(nodeId, path)
  }

  async function bringBack(): Promise<void> {
    const draft = discarded.value
    if (draft === null) return
    const { nodeId, path } = draft
    discarded.value = null
    keep(nodeId, path, draft)
    unsent.set(keyOf(nodeId, path), { nodeId, path, timer: 0 })
    await send(keyOf(nodeId, path))
  }

  /**
   * Makes one change in a node's files, in their drafts where there are some. False when it cannot be made there; `error` says why.
   */
  async function edit(files: readonly DraftBase[], intent: ConfigIntent): Promise<boolean> {
    const texts = files.map(({ nodeId, path, kind, text }): ConfigText => ({
      path,
      kind,
      text: of(nodeId, path)?.text ?? text,
    }))
    try {
      const found = await client.call('config.edit', { files: texts, intent })
      for (const { path, edits } of found) {
        const [file, text] = [files.find((each) => each.path === path), texts.find((each) => each.path === path)?.text]
        // typed meanwhile: the places of the edits are not sure any more
        if (!file || text === undefined || (of(file.nodeId, path)?.text ?? file.text) !== text) return false
        write(file, applyEdits(text, edits))
      }
      error.value = null
      return true
    } catch (thrown) {
      error.value = callErrorFrom(thrown)
      return false
    }
  }

  /** The draft as a change of the file as it is now. False when the two meet in the same lines; `error` says so. */
  async function rebase(file: DraftBase): Promise<boolean> {
    const { nodeId, path } = file
    const draft = of(nodeId, path)
    if (draft === null) return true
    try {
      const texts = { base: draft.baseText, mine: draft.text, theirs: file.text }
      const { text } = await client.call('config.merge', texts)
      // typed meanwhile: what was merged is not what is written now
      if (of(nodeId, path)?.text !== draft.text) return false
      const now = { ...draft, baseSha256: file.sha256, baseText: file.text, text, changedAt: Date.now() }
      keep(nodeId, path, text === file.text ? null : now)
      unsent.set(keyOf(nodeId, path), { nodeId, path, timer: 0 })
      await send(keyOf(nodeId, path))
      return true
    } catch (thrown) {
      error.value = callErrorFrom(thrown)
      return false
    }
  }

  /** The draft's change in the file of another member too, whose own values stay: what was left out for that, or null, and `error` says why. */
  async function carry(draft: ConfigDraft, other: DraftBase): Promise<CarriedChange['left'] | null> {
    const theirs = of(other.nodeId, other.path)?.text ?? other.text
    try {
      const { text, left } = await client.call('config.carry', { base: draft.baseText, mine: draft.text, theirs })
      // typed meanwhile: what was made is not for what is written now
      if ((of(other.nodeId, other.path)?.text ?? other.text) !== theirs) return null
      write(other, text)
      error.value = null
      return left
    } catch (thrown) {
      error.value = callErrorFrom(thrown)
      return null
    }
  }

  function follow(): () => void {
    const offEvents = client.on('draft.changed', ({ nodeId, path, draft }) => {
      const key = keyOf(nodeId, path)
      // an echo of what was sent before the last key strokes would take them back
      const isOlder = unsent.has(key) || (onTheWay.get(key) ?? 0) > 0
      if (!isOlder || draft?.text === of(nodeId, path)?.text) keep(nodeId, path, draft)
    })
    const offLink = client.onLink((state) => state === 'open' && void load())
    const flush = () => [...unsent.keys()].forEach((key) => void send(key))
    window.addEventListener('pagehide', flush)
    return () => {
      offEvents()
      offLink()
      window.removeEventListener('pagehide', flush)
    }
  }

  async function load(): Promise<void> {
    try {
      for (const draft of await client.call('draft.list', {})) {
        if (!unsent.has(keyOf(draft.nodeId, draft.path))) keep(draft.nodeId, draft.path, draft)
      }
    } catch (thrown) {
      error.value = callErrorFrom(thrown)
    }
  }

  return {
    list: computed(() => [...byKey.value.values()]),
    error,
    discarded,
    of,
    write,
    drop,
    discard,
    bringBack,
    edit,
    rebase,
    carry,
    follow,
  }
})
