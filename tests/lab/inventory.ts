import { writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import * as v from 'valibot'
import { stringify } from 'yaml'
import { Inventory } from '#contract/inventory.ts'
import { knownHosts, userKey } from './keys.ts'
import type { Instance } from './instance.ts'
import type { LabNode, Topology } from './topology.ts'

export const inventoryFile = (instance: Instance): string => join(instance.outputDir, 'inventory.yaml')

/** Write what `evenkeel inventory import` takes. Paths are relative to the file, so the checkout may lie anywhere. */
export function writeInventory(instance: Instance, topology: Topology): void {
  const inventory = v.parse(Inventory, {
    version: 1,
    fleet: 'lab',
    sites: [
      { id: 'tyo', name: 'Tokyo' },
      { id: 'osa', name: 'Osaka' },
    ],
    nodes: topology.nodes.map((node) => entry(instance, node)),
    pairs: [
      { id: 'edge', name: 'edge', nodes: ['lb1', 'lb2'] },
      { id: 'core', name: 'core', nodes: ['lb3', 'lb4'] },
    ],
  })
  const head = '# Written by `npm run lab up`; gone after `npm run lab down`.\n'
  writeFileSync(inventoryFile(instance), head + stringify(inventory))
}

function entry(instance: Instance, node: LabNode): object {
  return {
    id: node.id,
    name: node.id,
    site: node.site,
    ssh: {
      host: node.management,
      port: 22,
      user: node.user,
      identityFile: relative(instance.outputDir, userKey(instance)),
      knownHostsFile: relative(instance.outputDir, knownHosts(instance)),
      auth: 'key',
      ...(node.user === 'root' ? {} : { sudo: true }),
    },
  }
}
