import { existsSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Instance } from './instance.ts'

/**
 * The control group in which a node's systemd lives: on a unified hierarchy below its root, else below systemd's own (version 1).
 * Outside of it systemd sees and leaves nothing.
 */
export function cgroupOf(instance: Instance): string {
  const root = existsSync('/sys/fs/cgroup/cgroup.controllers') ? '/sys/fs/cgroup' : '/sys/fs/cgroup/systemd'
  return join(root, `evenkeel-lab-${instance.name}`)
}

/** Remove the groups that systemd made. They are directories that only rmdir removes, from the leaves up. */
export function removeCgroups(folder: string): void {
  if (!existsSync(folder)) return
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroups(join(folder, entry.name))
  }
  rmdirSync(folder)
}
