import { describe, expect, it } from 'vitest'
import { instancesOf, linesOf } from '../../../../src-main/domain/keepalived/parse-config.ts'
import { parseTracked } from '../../../../src-main/domain/keepalived/parse-data-dump.ts'
import { parseIpAddr } from '../../../../src-main/domain/keepalived/parse-ip-addr.ts'
import { parseJsonDump } from '../../../../src-main/domain/keepalived/parse-json-dump.ts'
import {
  knownFromReading,
  readingFromKeepalived,
  type KeepalivedFacts,
} from '../../../../src-main/domain/keepalived/reading.ts'
import { fixture } from './fixtures.ts'

const kernel = (name: string) => parseIpAddr(fixture(name)) ?? expect.fail('no kernel')
const read = (change: Partial<KeepalivedFacts> = {}) =>
  readingFromKeepalived({
    version: '2.2.7',
    pid: 8,
    uptimeS: 60,
    running: true,
    dumped: parseJsonDump(fixture('dump-tracked.json')),
    ageMs: 0,
    tracked: parseTracked(fixture('dump-data.txt')),
    fallback: [],
    kernel: kernel('ip-addr-tracked.json'),
    sightings: [],
    ...change,
  })
const onDisk = instancesOf(linesOf('/k.conf', fixture('instances.conf')))

describe('readingFromKeepalived', () => {
  it("puts the daemon's word and the kernel's side by side", () => {
    const [first, second] = read().instances
    expect(first).toMatchObject({
      state: 'MASTER',
      configuredPriority: 150,
      effectivePriority: 155,
      kernelAddresses: ['198.18.7.100', '198.18.7.101', '198.18.7.150'],
      tracked: [
        { kind: 'script', name: 'chk_file', weight: -60, status: 'GOOD' },
        { kind: 'file', name: 'adj', weight: 1, status: '0' },
        { kind: 'process', name: 'px', weight: 5, status: 'quorum' },
        { kind: 'interface', name: 'eth0', weight: 0, status: 'UP' },
      ],
    })
    expect(second).toMatchObject({ nopreempt: true, kernelAddresses: ['2001:db8:7::100', 'fe80::7:100'] })
  })

  it('believes the kernel where the daemon says otherwise', () => {
    const nothing = { addresses: [], macs: [] }
    expect(read({ kernel: nothing }).instances[0]).toMatchObject({ state: 'MASTER', kernelAddresses: [] })
    const dumped = parseJsonDump(fixture('dump-fault.json'))
    expect(read({ dumped }).instances[0]).toMatchObject({ state: 'FAULT', kernelAddresses: ['198.18.7.100', '198.18.7.101'] })
    expect(read({ dumped, kernel: kernel('ip-addr-fault.json') }).instances[0]).toMatchObject({ kernelAddresses: [] })
  })

  it('shows the addresses that a killed daemon left behind', () => {
    const reading = read({ running: false, pid: null, uptimeS: null, dumped: null, fallback: onDisk })
    expect(reading).toMatchObject({ running: false, daemonAnswered: false })
    expect(reading.instances[0]).toMatchObject({
      name: 'VI_1',
      vrid: 51,
      state: null,
      effectivePriority: null,
      configuredPriority: 150,
      kernelAddresses: ['198.18.7.100', '198.18.7.101', '198.18.7.150'],
    })
  })

  it('keeps no state and no result of a daemon that hangs', () => {
    const fallback = knownFromReading(read().instances)
    const reading = read({ dumped: null, tracked: [], fallback })
    expect(reading).toMatchObject({ running: true, daemonAnswered: false })
    expect(reading.instances.map(({ name }) => name)).toEqual(['VI_1', 'VI 2; odd'])
    for (const instance of reading.instances) {
      expect(instance).toMatchObject({
        state: null,
        wantState: null,
        effectivePriority: null,
        lastTransition: null,
        counters: {},
      })
      expect(instance.tracked.map(({ status }) => status).join('')).toBe('')
    }
  })

  it('compares addresses, not their spelling', () => {
    const fallback = onDisk.map((instance) => ({ ...instance, addresses: ['2001:DB8:7:0::0100'] }))
    expect(read({ dumped: null, fallback }).instances[0]?.kernelAddresses).toEqual(['2001:DB8:7:0::0100'])
  })
})
