import { expect, test } from 'vitest'
import type { PoolView, ServerView } from '#contract'
import { CliError } from '../../../../src-main/shells/cli/exit-codes.ts'
import { selectServer, selectServers } from '../../../../src-main/shells/cli/selectors.ts'

const pool = (id: string, name: string) => ({ id, name }) as PoolView
const server = (poolId: string, name: string, address: string) =>
  ({ id: `${poolId}/${name}`, poolId, name, address }) as ServerView

const fleet = {
  pools: [pool('edge/haproxy/web', 'web'), pool('core/haproxy/api', 'api'), pool('core/haproxy/odd', 'odd')],
  servers: [
    server('edge/haproxy/web', 'w1', '10.0.0.1:80'),
    server('edge/haproxy/web', 'w2', '10.0.0.2:80'),
    server('core/haproxy/api', 'w1', '10.0.0.3:80'),
    server('core/haproxy/odd', '10.0.0.2', '10.0.0.9:80'),
  ],
}
const selected = (selector: string) => selectServer(selector, fleet).id

test('by id, pool and name, name, address', () => {
  expect(selected('core/haproxy/api/w1')).toBe('core/haproxy/api/w1')
  expect(selected('api/w1')).toBe('core/haproxy/api/w1')
  expect(selected('w2')).toBe('edge/haproxy/web/w2')
  expect(selected('10.0.0.3:80')).toBe('core/haproxy/api/w1')
  expect(selected('10.0.0.1')).toBe('edge/haproxy/web/w1')
})

test('a name comes before an address that reads the same', () => {
  expect(selected('10.0.0.2')).toBe('core/haproxy/odd/10.0.0.2')
})

test('an ambiguous name lists the candidates and selects nothing', () => {
  expect(() => selected('w1')).toThrow(CliError)
  expect(() => selected('w1')).toThrow(/edge\/haproxy\/web\/w1\n {2}core\/haproxy\/api\/w1$/)
})

test('nothing found is an error, not an empty operation', () => {
  expect(() => selected('w9')).toThrow(/There is no server "w9"/)
})

test('several by their pool, by a pattern of their names, or by both', () => {
  const idsOf = (selector: Parameters<typeof selectServers>[0]) => selectServers(selector, fleet).map(({ id }) => id)
  expect(idsOf({ pool: 'web' })).toEqual(['edge/haproxy/web/w1', 'edge/haproxy/web/w2'])
  expect(idsOf({ match: 'w?' })).toHaveLength(3)
  expect(idsOf({ pool: 'core/haproxy/api', match: 'w*' })).toEqual(['core/haproxy/api/w1'])
  expect(idsOf({ match: '10.0.0.2' })).toEqual(['core/haproxy/odd/10.0.0.2'])
  expect(() => idsOf({ match: 'w.' })).toThrow(/No server has a name like "w."/)
  expect(() => idsOf({ pool: 'nope' })).toThrow(/There is no pool "nope"/)
})
