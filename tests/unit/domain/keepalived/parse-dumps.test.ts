import { describe, expect, it } from 'vitest'
import { parseDataInstances, parseTracked } from '../../../../src-main/domain/keepalived/parse-data-dump.ts'
import { parseIpAddr } from '../../../../src-main/domain/keepalived/parse-ip-addr.ts'
import { parseJsonDump } from '../../../../src-main/domain/keepalived/parse-json-dump.ts'
import { fixture, password } from './fixtures.ts'

const json = (name: string) => parseJsonDump(fixture(name)) ?? expect.fail('no dump')

describe('the JSON dump', () => {
  it('is read', () => {
    expect(json('dump-tracked.json')[0]).toMatchObject({
      name: 'VI_1',
      vrid: 51,
      interface: 'eth0',
      state: 'MASTER',
      wantState: 'MASTER',
      basePriority: 150,
      effectivePriority: 155,
      addresses: ['198.18.7.100', '198.18.7.101', '198.18.7.150'],
      advertIntMs: 1000,
      nopreempt: false,
      counters: { become_master: 1 },
    })
    expect(json('dump-tracked.json')[1]).toMatchObject({
      name: 'VI 2; odd',
      addresses: ['2001:db8:7::100', 'fe80::7:100'],
      advertIntMs: 500,
      nopreempt: true,
    })
  })

  it('tells the priority in force from the configured one', () => {
    expect(json('dump-script-failed.json')[0]).toMatchObject({ state: 'MASTER', basePriority: 150, effectivePriority: 97 })
    // In FAULT keepalived goes on printing the priority it had before.
    expect(json('dump-fault.json')[0]).toMatchObject({ state: 'FAULT', effectivePriority: 97 })
  })

  it('gives the last transition in milliseconds, and none before the first', () => {
    expect(json('dump-master.json')[0]?.lastTransition).toBe(1795383221991)
    expect(parseJsonDump('[{"data":{"iname":"a","last_transition":0.0}}]')?.[0]?.lastTransition).toBeNull()
  })

  it('loses the password before anything else sees it', () => {
    expect(fixture('dump-master.json')).toContain(`"auth_data":"${password}"`)
    expect(JSON.stringify(json('dump-master.json'))).not.toMatch(new RegExp(`${password}|auth_data`))
  })

  it('says nothing of a dump that is cut short, least of all its text', () => {
    const text = fixture('dump-master.json')
    for (const end of [0, 1, 500, 1500, text.length - 3]) expect(parseJsonDump(text.slice(0, end))).toBeNull()
    expect(parseJsonDump('42')).toBeNull()
  })

  it('has no state for a number it does not know', () => {
    expect(parseJsonDump('[{"data":{"iname":"a","state":9}}]')?.[0]?.state).toBeNull()
  })
})

describe('the text dump', () => {
  it('says what is tracked, with weight and result', () => {
    expect(parseTracked(fixture('dump-data.txt'))).toEqual([
      { kind: 'script', name: 'chk_file', status: 'GOOD', path: null, instances: [{ name: 'VI_1', weight: -60 }] },
      { kind: 'file', name: 'adj', status: '0', path: '/run/lb adj', instances: [{ name: 'VI_1', weight: 1 }] },
      { kind: 'process', name: 'px', status: 'quorum', path: null, instances: [{ name: 'VI_1', weight: 5 }] },
      { kind: 'interface', name: 'lo', status: 'UP', path: null, instances: [{ name: 'VI 2; odd', weight: 10 }] },
      {
        kind: 'interface',
        name: 'eth0',
        status: 'UP',
        path: null,
        instances: [
          { name: 'VI_1', weight: 0 },
          { name: 'VI 2; odd', weight: 0 },
        ],
      },
    ])
  })

  it('stands in for the JSON dump where keepalived has none, but for the counters', () => {
    const withoutCounters = json('dump-tracked.json').map((instance) => ({ ...instance, counters: {} }))
    expect(parseDataInstances(fixture('dump-data.txt'))).toEqual(withoutCounters)
  })

  it('loses the password', () => {
    const text = fixture('dump-data.txt')
    expect(text).toContain(`Password = ${password}`)
    expect(JSON.stringify([parseTracked(text), parseDataInstances(text)])).not.toContain(password)
  })
})

describe('ip -j addr', () => {
  it('is read, whatever the prefix length and label', () => {
    expect(parseIpAddr(fixture('ip-addr-master.json'))?.addresses.filter((entry) => entry.interface === 'eth0')).toEqual([
      { interface: 'eth0', address: '198.18.7.1', prefixLength: 24 },
      { interface: 'eth0', address: '198.18.7.101', prefixLength: 32 },
      { interface: 'eth0', address: '198.18.7.100', prefixLength: 24 },
      { interface: 'eth0', address: '2001:db8:7:0:0:0:0:100', prefixLength: 64 },
      { interface: 'eth0', address: 'fe80:0:0:0:0:0:7:100', prefixLength: 128 },
      { interface: 'eth0', address: 'fe80:0:0:0:6028:aff:fe0a:54f5', prefixLength: 64 },
    ])
  })

  it.each(['', 'Option "-j" is unknown, try "ip -help".', '{}'])('%j is no answer of the kernel', (text) =>
    expect(parseIpAddr(text)).toBeNull(),
  )

  it('may have no addresses at all', () => {
    expect(parseIpAddr('[{},{"ifname":"eth0","flags":["UP"],"addr_info":[{}]}]')).toEqual({ addresses: [], macs: [] })
  })
})
