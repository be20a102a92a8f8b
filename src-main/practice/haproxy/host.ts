import { isIP } from 'node:net'
import { PosixError, type Machine } from '../machine/machine.ts'
import type { LineContext } from './config/keywords.ts'

export const isIpAddress = (text: string): boolean => isIP(text) !== 0

/** The file itself, or the `*.cfg` files of a folder in their order. Throws PosixError. */
export function configFilesAt({ files }: Machine, path: string, name: string, uid: number): { path: string; name: string }[] {
  if (files.stat(path, uid).kind !== 'directory') return [{ path, name }]
  return files
    .list(path, uid)
    .filter((entry) => entry.endsWith('.cfg') && !entry.startsWith('.'))
    .sort()
    .map((entry) => ({ path: `${path}/${entry}`, name: `${name.replace(/\/$/, '')}/${entry}` }))
}

/** Accounts by /etc/passwd and /etc/group. */
export function accountsOf({ files }: Machine): LineContext {
  const idIn = (path: string, name: string): number | null => {
    try {
      const line = files
        .read(path)
        .toString('utf8')
        .split('\n')
        .find((each) => each.startsWith(`${name}:`))
      return line === undefined ? null : Number(line.split(':')[2])
    } catch (thrown) {
      if (thrown instanceof PosixError) return null
      throw thrown
    }
  }
  return { userId: (name) => idIn('/etc/passwd', name), groupId: (name) => idIn('/etc/group', name) }
}
