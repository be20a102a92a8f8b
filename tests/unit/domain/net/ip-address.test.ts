import { describe, expect, it } from 'vitest'
import { canonicalAddress } from '../../../../src-main/domain/net/ip-address.ts'

describe('canonicalAddress', () => {
  it.each([
    ['198.18.0.1', '198.18.0.1'],
    ['::1', '0:0:0:0:0:0:0:1'],
    ['[2001:DB8::0100]', '2001:db8:0:0:0:0:0:100'],
    ['2001:db8:0:0:0:0:0:100', '2001:db8:0:0:0:0:0:100'],
    ['::ffff:198.18.0.1', '198.18.0.1'],
    ['[::ffff:c612:1]', '198.18.0.1'],
    ['fe80::7:100%eth0', 'fe80:0:0:0:0:0:7:100'],
    ['64:ff9b::198.18.0.1', '64:ff9b:0:0:0:0:c612:1'],
  ])('%s is %s', (text, expected) => expect(canonicalAddress(text)).toBe(expected))

  it.each([
    '',
    'localhost',
    '198.18.0',
    '198.18.0.256',
    '1:2:3',
    '1::2::3',
    ':::',
    '1:2:3:4:5:6:7:8:9',
    '::198.18.0.1:1',
    'g::1',
  ])('%j is no address', (text) => expect(canonicalAddress(text)).toBeNull())
})
