import { describe, expect, it } from 'vitest'
import { takeLaunchToken } from '../../../../src-renderer/bridge/launch-token.ts'

function rig(hash: string, kept: string | null = null) {
  const store = new Map(kept === null ? [] : [['evenkeel.token', kept]])
  const replaced: string[] = []
  const token = takeLaunchToken(
    { hash, pathname: '/', search: '' } as Location,
    { replaceState: (_data: unknown, _title: string, url: string) => replaced.push(url) } as unknown as History,
    {
      getItem: (key: string) => store.get(key) ?? null,
      setItem: (key: string, value: string) => void store.set(key, value),
    } as unknown as Storage,
  )
  return { token, replaced, kept: store.get('evenkeel.token') }
}

describe('launch token', () => {
  it('is taken out of the address and kept for a reload', () => {
    expect(rig('#token=aB-_9')).toEqual({ token: 'aB-_9', replaced: ['/'], kept: 'aB-_9' })
  })
  it('is found again after a reload', () => {
    expect(rig('#/pools', 'kept')).toEqual({ token: 'kept', replaced: [], kept: 'kept' })
  })
  it('of a newer launch replaces the one that was kept', () => {
    expect(rig('#token=new', 'old').kept).toBe('new')
  })
  it('is null where there is none', () => {
    expect(rig('#/').token).toBeNull()
  })
})
