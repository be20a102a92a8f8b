import { describe, expect, it } from 'vitest'
import { placeOf, priorityDrop } from '../../../../../src-main/drivers/linux/faults/priority-drop.ts'

const path = '/etc/keepalived/keepalived.conf'
const router = (name: string, more = '') => `vrrp_instance ${name} {
  interface eth0
  priority 150
  advert_int 0.5
  virtual_ipaddress {
    198.18.0.10/24
    fd51::10/64 dev eth1
  }
  ${more}
}
`
const tracked = 'track_file {\n    adj\n  }'
const file = (weight: number) => `track_file adj {\n  file /run/adj\n  weight ${weight}\n}\n`
const dropOf = (text: string, name = 'A') => priorityDrop([{ path, text }], name)
const textOf = (made: ReturnType<typeof dropOf>): string =>
  typeof made === 'string' ? made : Buffer.from(made.args[2] ?? '', 'base64').toString('latin1')

describe('priorityDrop', () => {
  it.each([
    [1, '-149'],
    [2, '-75'],
    [-1, '149'],
  ])('writes into a tracked file of weight %i what brings the priority to its lowest', (weight, value) => {
    expect(dropOf(file(weight) + router('A', tracked))).toMatchObject({ args: ['/run/adj', value] })
  })

  it('lowers the priority in the file where a number in a file has no weight', () => {
    for (const text of [router('A'), file(0) + router('A', tracked)]) {
      expect(textOf(dropOf(text))).toBe(text.replace('priority 150', 'priority 1'))
    }
  })

  it('lowers every router of a sync group, for these move as one and weigh no file', () => {
    const text = `${file(1)}vrrp_sync_group G {\n  group {\n    A\n    B\n  }\n}\n${router('A', tracked)}${router('B')}${router('C')}`
    const [head = '', a = '', b = '', c = ''] = textOf(dropOf(text)).split('vrrp_instance')
    expect(head).toContain('vrrp_sync_group')
    expect([a, b, c].map((each) => /priority (\d+)/.exec(each)?.[1])).toEqual(['1', '1', '150'])
  })

  it('says why it cannot', () => {
    expect(dropOf(router('A'), 'Z')).toContain('No vrrp_instance is called Z')
    const group = 'vrrp_sync_group G {\n  group {\n    A\n    B\n  }\n}\n'
    const apart = [
      { path, text: group + router('A') },
      { path: '/etc/keepalived/b.conf', text: router('B') },
    ]
    expect(priorityDrop(apart, 'A')).toContain('several files')
  })
})

it('placeOf names interfaces, addresses without their networks and the rhythm of adverts', () => {
  expect(placeOf([{ path, text: router('A') }], 'A')).toEqual({
    interface: 'eth0',
    addresses: [
      { address: '198.18.0.10', interface: 'eth0' },
      { address: 'fd51::10', interface: 'eth1' },
    ],
    advertMs: 500,
  })
})
