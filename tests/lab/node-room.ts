import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import * as v from 'valibot'
import { NodeId } from '#contract'
import { AppError } from '../../src-main/app/app-error.ts'
import type { NodeFacts } from '../../src-main/app/ports/driver.ts'
import type { NodeSession } from '../../src-main/app/ports/node-session.ts'
import { replaceFile } from '../../src-main/transport/ssh/replace-file.ts'
import { createLocalSession, within } from '../contract/local-session.ts'

/**
 * A node of one test file's own, without a network or with an empty one: mount and process namespaces with a private /run, /tmp and /etc/haproxy, in
 * which a daemon can be started, frozen or hidden without anyone else noticing. Needs root on Linux. Its processes end with it.
 */
export interface NodeRoom {
  readonly session: NodeSession
  readonly facts: NodeFacts
  /** runs a shell script inside; rejects unless it exits with 0 */
  run(script: string): Promise<string>
  exists(path: string): Promise<boolean>
  close(): Promise<void>
}

export async function openNodeRoom(
  privateFolders: readonly string[],
  options: { network: 'private' | 'shared' } = { network: 'shared' },
): Promise<NodeRoom> {
  const network = options.network === 'private' ? ['--net'] : []
  const mounts = ['/run', '/tmp', ...privateFolders].map((folder) => `mount -t tmpfs -o mode=755 tmpfs ${folder}`).join(' && ')
  const holder = spawn(
    'unshare',
    [
      '--mount',
      '--pid',
      ...network,
      '--fork',
      '--mount-proc',
      '--kill-child',
      'sh',
      '-c',
      `exec 3<"$0" && ${mounts} && mkdir -p "$0" && mount --no-canonicalize --bind /proc/self/fd/3 "$0" && echo ready && while :; do sleep 1 & wait; done`,
      // programs of this checkout run inside as well, also when it lies in a folder that the room has to itself
      resolve(import.meta.dirname, '../..'),
    ],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  await once(holder.stdout, 'data')
  const pid = await firstChildOf(holder)
  const inside = ['nsenter', '--target', String(pid), '--mount', '--pid', ...network, '--wd=/'] as const
  const local = createLocalSession()
  const outside = (path: string): string => `/proc/${pid}/root${path}`
  const session: NodeSession = {
    nodeId: v.parse(NodeId, 'room'),
    exec: (argv, options) => local.exec([...inside, ...argv], options),
    openSocket: (path, limits) => local.openSocket(outside(path), limits),
    async openTcp(host, port) {
      throw new AppError('exec.failed', `${host}:${port} is not reached from outside the room.`)
    },
    readFile: (path, options) => local.readFile(outside(path), options),
    replaceFile: (path, bytes, options) =>
      replaceFile({ exec: (argv, how) => session.exec(argv, how), user: 'root', where: 'room' }, path, bytes, options),
    traffic: () => local.traffic(),
  }
  return {
    session,
    facts: { hostName: 'room', os: 'Linux', user: 'root', initSystem: 'other', sudo: 'root' },
    async run(script) {
      const { code, stdout, stderr } = await session.exec(['sh', '-ec', script], { ...within(20_000), maxBytes: 1024 * 1024 })
      if (code !== 0) throw new Error(`"${script}" ended with ${code}: ${stderr}`)
      return stdout.toString('utf8')
    },
    exists: async (path) => existsSync(outside(path)),
    async close() {
      holder.kill('SIGKILL')
      if (holder.exitCode === null && holder.signalCode === null) await once(holder, 'exit')
    },
  }
}

/** Process 1 collects orphans once a second, as an init does. `unshare --fork` stays outside; its only child is process 1 of the room. */
async function firstChildOf(holder: ChildProcess): Promise<number> {
  const { stdout } = await createLocalSession().exec(['pgrep', '-P', String(holder.pid)], { ...within(5000), maxBytes: 1024 })
  return Number(stdout.toString('utf8').trim())
}
