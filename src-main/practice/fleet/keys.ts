/*
 * All that a practice fleet keeps outside memory: the key its operator logs in with, its balancers' host keys, and how large it was. They
 * open nothing but machines that exist only on this computer's loopback, and are guarded like any other key all the same: the folder is
 * the user's own (0700), the files can be read by nobody else (0600).
 */
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { practiceKeyFile, PracticeSize } from '#contract'
import { newKeyPair, type KeyPair } from '../ssh/host-key.ts'

const Kept = v.strictObject({
  size: PracticeSize,
  user: v.strictObject({ private: v.string(), public: v.string() }),
  /** private keys by node */
  hosts: v.record(v.string(), v.string()),
})

export interface FleetKeys {
  readonly size: PracticeSize
  readonly user: KeyPair
  readonly identityFile: string
  readonly knownHostsFile: string
  /** the same every time for the same node; made when it is asked for first */
  hostKey(node: string): string
  /** Writes what was made, and who is at which address this time. */
  keep(knownHosts: readonly string[]): Promise<void>
}

export async function openKeys(folder: string, wanted: PracticeSize): Promise<FleetKeys> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  const path = (name: string): string => join(folder, name)
  const before = await readKept(path('fleet.json'))
  const size = { ...before?.size, ...wanted }
  const user = before?.user ?? newKeyPair()
  const hosts = { ...before?.hosts }
  return {
    size,
    user,
    identityFile: path(practiceKeyFile),
    knownHostsFile: path('known_hosts'),
    hostKey: (node) => (hosts[node] ??= newKeyPair().private),
    async keep(knownHosts) {
      await replace(path('fleet.json'), `${JSON.stringify({ size, user, hosts })}\n`)
      await replace(path(practiceKeyFile), user.private)
      await replace(path('known_hosts'), `${knownHosts.join('\n')}\n`)
    },
  }
}

/** Null when there is none, or none that can be read: then new ones are as good. */
async function readKept(file: string): Promise<v.InferOutput<typeof Kept> | null> {
  try {
    return v.parse(Kept, JSON.parse(await readFile(file, 'utf8')))
  } catch (thrown) {
    const isUnreadable = thrown instanceof SyntaxError || thrown instanceof v.ValiError
    if (isUnreadable || (thrown as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw thrown
  }
}

async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 })
  await rename(`${file}.new`, file)
}
