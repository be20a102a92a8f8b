import { describe, expect, it } from 'vitest'
import { parseArping, parseIpNeigh } from '../../../../src-main/domain/keepalived/parse-segment.ts'

describe('ip -j neigh', () => {
  it('tells of those that were confirmed lately', () => {
    const entries = [
      { dst: '198.18.0.10', dev: 'eth0', lladdr: '6A:3D:5a:d4:7c:75', state: ['REACHABLE'] },
      { dst: '2001:DB8::1', dev: 'eth0', lladdr: '02:fc:00:00:00:05', state: ['REACHABLE'] },
      { dst: '198.18.0.11', dev: 'eth0', lladdr: '02:fc:00:00:00:06', state: ['STALE'] },
      { dst: '198.18.0.12', dev: 'eth0', state: ['FAILED'] },
      {},
    ]
    expect(parseIpNeigh(JSON.stringify(entries))).toEqual([
      { address: '198.18.0.10', mac: '6a:3d:5a:d4:7c:75' },
      { address: '2001:db8:0:0:0:0:0:1', mac: '02:fc:00:00:00:05' },
    ])
  })

  it.each(['', 'Object "neigh" is unknown', '{}', '[1, null]'])('tells nothing by %j', (text) => {
    expect(parseIpNeigh(text)).toEqual([])
  })
})

describe('arping', () => {
  it('tells everybody who answered, once', () => {
    const text = `ARPING 198.18.9.100 from 198.18.9.2 eth0
Unicast reply from 198.18.9.100 [6A:3D:5A:D4:7C:75]  0.547ms
Unicast reply from 198.18.9.100 [C6:5F:19:84:39:F8]  0.558ms
Unicast reply from 198.18.9.100 [6A:3D:5A:D4:7C:75]  0.601ms
Sent 2 probes (2 broadcast(s))
Received 3 response(s)
`
    expect(parseArping(text)).toEqual([
      { address: '198.18.9.100', mac: '6a:3d:5a:d4:7c:75' },
      { address: '198.18.9.100', mac: 'c6:5f:19:84:39:f8' },
    ])
  })
})
