import { describe, expect, it } from 'vitest'
import type { InventoryNode } from '#contract'
import { draftFaults, draftFrom, emptyDraft, nodeFrom } from '../../../../src-renderer/features/nodes/node-form-model.ts'

const node = {
  id: 'lb1',
  name: 'lb1.tyo',
  site: 'tyo',
  ssh: { host: '198.18.0.1', port: 2222, user: 'ops', sudo: true },
  services: { haproxy: { socket: '/run/h.sock', config: ['/etc/haproxy/haproxy.cfg'] } },
} as unknown as InventoryNode

describe('node form', () => {
  it('gives back a node unchanged, with what the form does not show', () => {
    expect(nodeFrom(draftFrom(node), node)).toEqual(node)
  })
  it('leaves out what was emptied and keeps the rest', () => {
    const draft = { ...draftFrom(node), port: '', haproxySocket: ' ', site: '', sudo: false }
    expect(nodeFrom(draft, node)).toEqual({
      id: 'lb1',
      name: 'lb1.tyo',
      ssh: { host: '198.18.0.1', user: 'ops' },
      services: { haproxy: { config: ['/etc/haproxy/haproxy.cfg'] } },
    })
  })
  it('needs only a host: id and name are made of it', () => {
    const draft = { ...emptyDraft(), host: 'lb one.example' }
    expect(draftFaults(draft)).toEqual({})
    expect(nodeFrom(draft, null)).toEqual({ id: 'lb-one.example', name: 'lb-one.example', ssh: { host: 'lb one.example' } })
  })
  it.each([
    [{ host: '' }, ['host', 'id']],
    [{ host: 'a', id: '-a' }, ['id']],
    [{ host: 'a', port: '70000' }, ['port']],
    [{ host: 'a', port: '22.5' }, ['port']],
    [{ host: '日本' }, ['id']],
  ])('names what is wrong with %j', (typed, faults) => {
    expect(Object.keys(draftFaults({ ...emptyDraft(), ...typed })).sort()).toEqual(faults)
  })
})
