import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ParsedInputOf, NodeId } from '#contract'
import { createDraftService } from '../../../../src-main/app/drafts/draft-service.ts'
import type { InventoryService } from '../../../../src-main/app/inventory-service.ts'
import { stillClock, tempStore } from '../../store/temp-store.ts'

const nodeId = 'lb1' as NodeId
const path = '/etc/keepalived/keepalived.conf'
const baseText = 'auth_pass ***1234\npriority 5\n'
const draft = (text: string): ParsedInputOf<'draft.put'> => ({
  ...{ nodeId, path, kind: 'keepalived', baseSha256: 'a'.repeat(64), baseText, text },
})

function rig(known?: string) {
  const { store, folder } = tempStore(known)
  const told: unknown[] = []
  const drafts = createDraftService({
    repo: store.drafts,
    // it only asks whether there is such a node
    inventory: { requireNode: () => ({}) } as unknown as InventoryService,
    clock: stillClock(),
    publish: (name, payload) => void told.push([name, payload]),
  })
  const onDisk = (): string =>
    readdirSync(folder)
      .map((file) => readFileSync(join(folder, file), 'latin1'))
      .join('')
  return { drafts, told, folder, onDisk, close: () => store.close() }
}

describe('drafts', () => {
  it('outlive the process, and are gone when they say what their base says', () => {
    const { drafts, folder, close } = rig()
    drafts.put(draft(`${baseText}priority 6\n`))
    close()
    const again = rig(folder)
    expect(again.drafts.list()).toMatchObject([{ nodeId, path, text: `${baseText}priority 6\n`, kept: 'disk' }])
    again.drafts.put(draft(baseText))
    expect(again.drafts.list()).toEqual([])
    expect(again.told).toEqual([['draft.changed', { nodeId, path, draft: null }]])
  })

  it('a typed password stays in memory, and leaves the disk with what was there before', () => {
    const { drafts, onDisk } = rig()
    drafts.put(draft(`${baseText}# once\n`))
    drafts.put(draft(baseText.replace('***1234', 'typedsecret')))
    expect(drafts.list()).toMatchObject([{ kept: 'memory' }])
    expect(onDisk()).not.toContain('typedsecret')
    drafts.put(draft(`${baseText}# twice\n`))
    expect(drafts.list()).toMatchObject([{ kept: 'disk', text: `${baseText}# twice\n` }])
    drafts.discard(nodeId, path)
    expect(drafts.list()).toEqual([])
  })
})
