import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, closeSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { namespaceOf, processesInside } from './network.ts'
import { waitUntil } from './run.ts'
import type { Instance } from './instance.ts'

/*
 * What `up` starts writes down its own pid before it becomes the program, so nothing runs unrecorded even when `up` is killed at the
 * worst moment. It first takes a lock that the program keeps for its life: what a killed `up` had just started and what the next one
 * starts cannot both become the machine. A pid is only believed while that process sits in the network namespace it was started in: a number that the kernel
 * has given to somebody else meanwhile is never signalled.
 */

const pidFile = (instance: Instance, machine: string): string => join(instance.stateDir, `${machine}.pid`)
export const logFile = (instance: Instance, machine: string): string => join(instance.stateDir, `${machine}.log`)

const START = 'exec 9>"$1.lock" && flock -w 4 9 && echo $$ >"$1.$$" && mv "$1.$$" "$1" && shift && exec nsenter "$@"'

/** Start a program in a machine's network namespace, unless one is just starting there; it outlives this process. */
export async function startInside(instance: Instance, machine: string, argv: readonly string[]): Promise<void> {
  mkdirSync(instance.stateDir, { recursive: true })
  const log = openSync(logFile(instance, machine), 'a')
  const namespace = `/run/netns/${namespaceOf(instance, machine)}`
  const child = spawn('sh', ['-c', START, 'sh', pidFile(instance, machine), `--net=${namespace}`, '--', ...argv], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
  })
  child.unref()
  closeSync(log)
  await waitUntil(
    `${machine} is started (${logFile(instance, machine)})`,
    20_000,
    () => runningPid(instance, machine) !== null,
    5,
  )
  // another start was first: this one still waits for its lock
  if (runningPid(instance, machine) !== child.pid) child.kill()
}

/** Pid of the running program, null when it is not running. */
export function runningPid(instance: Instance, machine: string): number | null {
  const file = pidFile(instance, machine)
  if (!existsSync(file)) return null
  const pid = Number(readFileSync(file, 'utf8'))
  try {
    const inode = statSync(`/run/netns/${namespaceOf(instance, machine)}`).ino
    return readlinkSync(`/proc/${pid}/ns/net`) === `net:[${inode}]` ? pid : null
  } catch {
    // the process or the namespace is gone
    return null
  }
}

/** The first process of a node as this machine numbers it: the only child of the recorded `unshare`. */
export function firstProcess(instance: Instance, machine: string): number | null {
  const parent = runningPid(instance, machine)
  if (parent === null) return null
  try {
    const [child] = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ')
    return child ? Number(child) : null
  } catch {
    return null
  }
}

/** End every process in the lab's namespaces and wait until they are gone. */
export async function endAll(instance: Instance): Promise<void> {
  await waitUntil(
    `the processes of lab ${instance.name} are gone`,
    10_000,
    async () => {
      const pids = await processesInside(instance)
      for (const pid of pids) endProcess(pid)
      return pids.length === 0
    },
    20,
  )
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
