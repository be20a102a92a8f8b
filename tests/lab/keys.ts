import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './run.ts'
import type { Instance } from './instance.ts'
import type { LabNode, Topology } from './topology.ts'

/** Private key of the console's user, accepted by every account of every node. */
export const userKey = (instance: Instance): string => join(instance.outputDir, 'id_ed25519')
export const hostKey = (instance: Instance, node: LabNode): string => join(instance.outputDir, `host_${node.id}`)
export const knownHosts = (instance: Instance): string => join(instance.outputDir, 'known_hosts')

/** Make the keys that are missing, and the known_hosts file of them all. */
export async function makeKeys(instance: Instance, topology: Topology): Promise<void> {
  mkdirSync(instance.outputDir, { recursive: true })
  await Promise.all([
    makeKey(userKey(instance), 'evenkeel-lab'),
    ...topology.nodes.map((node) => makeKey(hostKey(instance, node), node.id)),
  ])
  const lines = topology.nodes.map((node) => `${node.management} ${publicPart(hostKey(instance, node))}\n`)
  writeFileSync(knownHosts(instance), lines.join(''))
}

/** A key pair without a passphrase at `path` and `path.pub`; an existing one is kept. */
export async function makeKey(path: string, comment: string): Promise<void> {
  // ssh-keygen writes the public half last: without it the pair is the rest of an interrupted run
  if (existsSync(path) && existsSync(`${path}.pub`)) return
  rmSync(path, { force: true })
  await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', path])
  chmodSync(path, 0o600)
}

/** `ssh-ed25519 AAAA…` */
export function publicPart(path: string): string {
  return readFileSync(`${path}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')
}
