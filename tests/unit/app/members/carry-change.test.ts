import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { carryChange } from '../../../../src-main/app/members/carry-change.ts'

const base = `vrrp_instance VI_1 {
    state MASTER
    interface eth0
    priority 150
    advert_int 1
    virtual_ipaddress {
        198.18.1.10/24
    }
}
`
const theirs = base.replace('MASTER', 'BACKUP').replace('150', '100')
const carried = (change: (text: string) => string, onto = theirs) => carryChange({ base, mine: change(base), theirs: onto })

describe('a change made on the other member too', () => {
  it('keeps what that has for itself, in the line beside as well', () => {
    const { text, left } = carried((own) => own.replace('advert_int 1', 'advert_int 2').replace('eth0', 'eth1'))
    expect(left).toEqual([])
    expect(text).toBe(theirs.replace('advert_int 1', 'advert_int 2').replace('eth0', 'eth1'))
  })

  it('leaves out, and tells, what is the other one’s own', () => {
    const { text, left } = carried((own) => own.replace('priority 150', 'priority 160').replace('eth0', 'eth1'))
    expect(text).toBe(theirs.replace('eth0', 'eth1'))
    expect(left).toEqual([{ line: 4, mine: 'priority 160', theirs: 'priority 100' }])
    const lower = carried((own) => `# ours\n${own.replace('priority 150', 'priority 160')}`)
    expect(lower.left).toEqual([{ line: 5, mine: 'priority 160', theirs: 'priority 100' }])
  })

  it('puts lines in, takes lines out, and finds what is there already', () => {
    const add = (own: string): string => own.replace('        198', '        198.18.1.11/24\n        198')
    expect(carried(add)).toEqual({ text: add(theirs), left: [] })
    expect(carried(add, add(theirs))).toEqual({ text: add(theirs), left: [] })
    const take = (own: string): string => own.replace('    advert_int 1\n', '')
    expect(carried(take)).toEqual({ text: take(theirs), left: [] })
  })

  it.each([
    ['a word', 'weight 1', 'weight 20'],
    ['words that come', ' check', ' check inter 2s disabled'],
    ['words that go', ' check weight 1', ' check'],
  ])('changes %s in a line whose address differs', (_, from, to) => {
    const line = '    server web1 10.0.0.1:80 check weight 1 # ours\n'
    const other = line.replace('10.0.0.1', '10.0.0.2')
    const change = (own: string): string => own.replace(from, to)
    expect(carryChange({ base: line, mine: change(line), theirs: other })).toEqual({ text: change(other), left: [] })
  })

  it('is the change itself on a file that is the same, and nothing where there is none', () => {
    const lines = fc
      .array(fc.constantFrom('a', 'b 1', 'c 1 2', '', '}', 'd "x y" ;'), { maxLength: 8 })
      .map((all) => all.join('\n'))
    fc.assert(
      fc.property(lines, lines, (one, two) => {
        expect(carryChange({ base: one, mine: two, theirs: one })).toEqual({ text: two, left: [] })
        expect(carryChange({ base: one, mine: one, theirs: two })).toEqual({ text: two, left: [] })
        expect(carryChange({ base: one, mine: two, theirs: two })).toEqual({ text: two, left: [] })
      }),
    )
  })
})
