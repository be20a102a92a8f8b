import { expect, it } from 'vitest'
import { addressesFrom } from '../../../../src-renderer/features/drains/addresses-from.ts'

const known = ['10.0.0.7:8080', '10.0.0.7:9090', '10.0.0.70:8080', '[2001:db8::1]:80']

it('takes several, and an address without a port for all of its ports', () => {
  expect(addressesFrom(' 10.0.0.7:8080, [2001:db8::1]:80\n', known)).toEqual({
    addresses: ['10.0.0.7:8080', '[2001:db8::1]:80'],
    unknown: [],
  })
  expect(addressesFrom('10.0.0.7 10.0.0.7:8080', known).addresses).toEqual(['10.0.0.7:8080', '10.0.0.7:9090'])
})

it('names what no server has', () => {
  expect(addressesFrom('10.0.0.8 10.0.0.70', known)).toEqual({ addresses: ['10.0.0.70:8080'], unknown: ['10.0.0.8'] })
})
