// @vitest-environment happy-dom
import { createPinia, setActivePinia } from 'pinia'
import { createApp } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ConfigDraft, NodeId } from '#contract'
import { clientKey, type Client } from '../../../../src-renderer/bridge/client.ts'
import { useDraftsStore, type DraftBase } from '../../../../src-renderer/stores/drafts.ts'

const nodeId = 'lb1' as NodeId
const file: DraftBase = { nodeId, path: '/a.cfg', kind: 'haproxy', sha256: 'a'.repeat(64), text: 'one\n' }
const of = (text: string, kept: ConfigDraft['kept'] = 'disk'): ConfigDraft => ({
  ...{ nodeId, path: file.path, kind: 'haproxy', baseSha256: file.sha256, baseText: file.text, text, changedAt: 0, kept },
})

function rig(answers: (name: string, input: unknown) => unknown = () => ({})) {
  const calls: [string, unknown][] = []
  let tell: (told: { nodeId: NodeId; path: string; draft: ConfigDraft | null }) => void = () => undefined
  let link: (state: 'open' | 'lost') => void = () => undefined
  const client = {
    call: async (name: string, input: unknown) => {
      calls.push([name, input])
      return answers(name, input)
    },
    on: (_name: string, listener: typeof tell) => {
      tell = listener
      return () => undefined
    },
    onLink: (listener: typeof link) => {
      link = listener
      return () => undefined
    },
  } as unknown as Client
  const pinia = createPinia()
  createApp({}).provide(clientKey, client).use(pinia)
  setActivePinia(pinia)
  const drafts = useDraftsStore()
  return {
    calls,
    drafts,
    stop: drafts.follow(),
    tell: (told: Parameters<typeof tell>[0]) => tell(told),
    open: () => link('open'),
  }
}
const put = (text: string) => {
  const { changedAt: _at, kept: _kept, ...rest } = of(text)
  return ['draft.put', rest]
}

describe('drafts in the window', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  it('many key strokes are one call, and the last of them counts', async () => {
    const { calls, drafts } = rig()
    drafts.write(file, 'one\nt\n')
    drafts.write(file, 'one\ntwo\n')
    expect(drafts.of(nodeId, file.path)?.text).toBe('one\ntwo\n')
    await vi.runAllTimersAsync()
    expect(calls).toEqual([put('one\ntwo\n')])
  })

  it('a window that closes sends at once what it has not sent', () => {
    const { calls, drafts, stop } = rig()
    drafts.write(file, 'two\n')
    window.dispatchEvent(new Event('pagehide'))
    expect(calls).toEqual([put('two\n')])
    stop()
  })

  it('what says again what the file says is no draft, and one thrown away comes back whole', async () => {
    const { calls, drafts } = rig()
    drafts.write(file, 'two\n')
    drafts.write(file, 'one\n')
    expect(drafts.list).toEqual([])
    await vi.runAllTimersAsync()
    expect(calls).toEqual([['draft.discard', { nodeId, path: file.path }]])
    drafts.write(file, 'three\n')
    await drafts.discard(nodeId, file.path)
    await drafts.bringBack()
    expect(drafts.list.map(({ text }) => text)).toEqual(['three\n'])
    expect(calls.at(-1)).toEqual(put('three\n'))
  })

  it('what main tells does not overwrite what was typed since', async () => {
    const { drafts, tell, open } = rig((name) => (name === 'draft.list' ? [of('listed\n', 'memory')] : {}))
    open()
    await vi.runAllTimersAsync()
    expect(drafts.of(nodeId, file.path)).toMatchObject({ text: 'listed\n', kept: 'memory' })
    drafts.write(file, 'typed\n')
    tell({ nodeId, path: file.path, draft: of('told\n') })
    expect(drafts.of(nodeId, file.path)?.text).toBe('typed\n')
    await vi.runAllTimersAsync()
    tell({ nodeId, path: file.path, draft: null })
    expect(drafts.list).toEqual([])
  })

  it('an echo of an earlier state does not take the later one back, and tells where it is kept', async () => {
    let answer: () => void = () => undefined
    const { drafts, tell } = rig(() => new Promise<void>((done) => (answer = done)))
    drafts.write(file, 'a\n')
    await vi.advanceTimersByTimeAsync(1000)
    drafts.write(file, 'ab\n')
    await vi.advanceTimersByTimeAsync(1000)
    tell({ nodeId, path: file.path, draft: of('a\n') })
    expect(drafts.of(nodeId, file.path)?.text).toBe('ab\n')
    tell({ nodeId, path: file.path, draft: of('ab\n', 'memory') })
    expect(drafts.of(nodeId, file.path)).toMatchObject({ text: 'ab\n', kept: 'memory' })
    answer()
  })

  it('an edit of main is made in the draft, unless something was typed meanwhile', async () => {
    const edits = [{ from: 0, to: 3, insert: '1' }]
    const { calls, drafts } = rig((name) => (name === 'config.edit' ? [{ path: file.path, edits }] : {}))
    const intent = { what: 'server.remove', kind: 'haproxy', pool: 'b', server: 'a' } as const
    drafts.write(file, 'two\n')
    expect(await drafts.edit([file], intent)).toBe(true)
    expect(calls[0]).toEqual(['config.edit', { files: [{ path: file.path, kind: 'haproxy', text: 'two\n' }], intent }])
    expect(drafts.of(nodeId, file.path)?.text).toBe('1\n')
    const pending = drafts.edit([file], intent)
    drafts.write(file, 'typed\n')
    expect(await pending).toBe(false)
    expect(drafts.of(nodeId, file.path)?.text).toBe('typed\n')
  })
})
