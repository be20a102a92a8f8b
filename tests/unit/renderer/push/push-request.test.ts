import { describe, expect, it } from 'vitest'
import type { NodeId } from '#contract'
import { fileKey, requestFrom, type PushForm } from '../../../../src-renderer/features/push/use-push-sheet.ts'
import type { PushInputFile } from '../../../../src-renderer/stores/push-draft.ts'

const file = (nodeId: string): PushInputFile => ({ nodeId: nodeId as NodeId, path: '/a.cfg', baseSha256: '', text: 'a' })
const files = [file('lb1'), file('lb2')]
const form = (more: Partial<PushForm> = {}): PushForm => ({
  ...{ reason: 'why', without: new Set(), watchS: 30, guardS: '', canary: '', waveSize: 4, budget: 0 },
  ...{ allowCapacityLoss: false, allowVipMove: false, atRuntime: false, name: '' },
  ...more,
})

describe('what a push is asked with', () => {
  it('everything in the common case, with the guard left to main', () => {
    expect(requestFrom(form(), files)).toEqual({
      ...{ files, watchMs: 30_000, waveSize: 4, budget: 0, allowCapacityLoss: false, allowVipMove: false, atRuntime: false },
    })
  })

  it('a file that is left out is not pushed, and its node is no canary', () => {
    const request = requestFrom(form({ without: new Set([fileKey(file('lb2'))]), canary: 'lb2' as NodeId }), files)
    expect(request?.files.map(({ nodeId }) => nodeId)).toEqual(['lb1'])
    expect(request).not.toHaveProperty('canary')
    expect(requestFrom(form({ canary: 'lb2' as NodeId, guardS: 120 }), files)).toMatchObject({
      canary: 'lb2',
      guardMs: 120_000,
    })
  })

  it.each([
    [{ watchS: '' }],
    [{ watchS: 1.5 }],
    [{ watchS: 601 }],
    [{ guardS: 14 }],
    [{ waveSize: 0 }],
    [{ budget: -1 }],
  ] as const)('nothing is asked while a field holds no number that it takes: %o', (more) => {
    expect(requestFrom(form(more), files)).toBeNull()
  })
})
