import { describe, expect, test } from 'vitest'
import { AppError } from '../../../src-main/app/app-error.ts'
import { inventoryText, parseInventoryFile } from '../../../src-main/app/inventory-file.ts'

const parse = (text: string, over: object = {}) =>
  parseInventoryFile({ text, format: 'yaml', source: 'fleet.yaml', folder: '/etc/fleet', ...over })

function complaint(text: string, over: object = {}): string {
  try {
    parse(text, over)
  } catch (error) {
    if (error instanceof AppError && error.code === 'inventory.invalid') return error.message
    throw error
  }
  throw new Error('the file was accepted')
}

const good = `version: 1
nodes:
  - id: lb1
    name: lb1
    ssh: { host: lb1.example, identityFile: keys/id, knownHostsFile: ~/.ssh/fleet_hosts }
`

describe('a good file', () => {
  test('has its relative paths resolved, and ~ left for whoever dials', () => {
    expect(parse(good).nodes[0]?.ssh).toEqual({
      host: 'lb1.example',
      identityFile: '/etc/fleet/keys/id',
      knownHostsFile: '~/.ssh/fleet_hosts',
    })
  })

  test('comes back the same, in either format', () => {
    const inventory = parse(good)
    for (const format of ['yaml', 'json'] as const) {
      expect(parse(inventoryText(inventory, format), { format })).toEqual(inventory)
    }
  })
})

describe('complaints name file, line and path', () => {
  test('a value of the wrong kind', () => {
    const text = good.replace('host: lb1.example', 'host: lb1.example, port: 99999')
    expect(complaint(text)).toMatch(/^fleet\.yaml:5: nodes\[0\]\.ssh\.port: /)
  })

  test('a key that does not exist, and one that is missing', () => {
    const text = 'version: 1\nnodes:\n  - id: lb1\n    nmae: x\n    ssh: { host: h }\n'
    expect(complaint(text).split('\n')).toEqual([
      'fleet.yaml:3: nodes[0].name: is missing',
      'fleet.yaml:4: nodes[0].nmae: there is no key "nmae" here',
    ])
  })

  test('a reference to nothing', () => {
    expect(complaint(`${good}    site: tyo\n`)).toBe('fleet.yaml:6: nodes[0].site: there is no site "tyo" in sites')
  })

  test('text that is no YAML or no JSON', () => {
    expect(complaint('version: 1\nnodes: [\n')).toMatch(/^fleet\.yaml:\d+: not YAML: /)
    expect(complaint('{\n  "version": 1,\n  "nodes": [,]\n}', { format: 'json' })).toMatch(/^fleet\.yaml:3: not JSON: /)
  })

  test('a relative path in a text that has no folder', () => {
    expect(complaint(good, { folder: null })).toMatch(
      /^fleet\.yaml:5: nodes\[0\]\.ssh\.identityFile: "keys\/id" is a relative path/,
    )
  })

  test('aliases that would unfold without end', () => {
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...'bcdefgh'.split('').map((key, index) => `${key}: &${key} [${Array(9).fill(`*${'abcdefg'[index]}`).join(', ')}]`),
    ]
    expect(complaint(bomb.join('\n'))).toMatch(/alias/i)
  })
})
