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

const patienceMs = 5_000
const pauseMs = 50

/**
 * Remove the groups that systemd made. They are directories that only rmdir removes, from the leaves up; the kernel calls one busy
 * for a moment after the last process in it was killed.
 */
export async function removeCgroups(folder: string): Promise<void> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return removeTree(folder)
    } catch (error) {
      const isBusy = (error as NodeJS.ErrnoException).code === 'EBUSY'
      if (!isBusy || performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
}

function removeTree(folder: string): void {
  if (!existsSync(folder)) return
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(folder, entry.name))
  }
  rmdirSync(folder)
}
