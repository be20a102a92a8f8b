import type { FileTree } from './machine.ts'

/** The groups of an account by /etc/passwd and /etc/group, its own first. An unknown account is in the group of its own number. */
export function groupsOf(files: FileTree, uid: number): number[] {
  const account = passwdEntries(files).find((entry) => entry.uid === uid)
  if (account === undefined) return [uid]
  const others = lines(files, '/etc/group').flatMap((line) => {
    const [, , gid, members = ''] = line.split(':')
    return members.split(',').includes(account.name) ? [Number(gid)] : []
  })
  return [...new Set([account.gid, ...others])]
}

/** Null: /etc/passwd does not know the number. */
export function userName(files: FileTree, uid: number): string | null {
  return passwdEntries(files).find((entry) => entry.uid === uid)?.name ?? null
}

function passwdEntries(files: FileTree): { name: string; uid: number; gid: number }[] {
  return lines(files, '/etc/passwd').map((line) => {
    const [name = '', , uid, gid] = line.split(':')
    return { name, uid: Number(uid), gid: Number(gid) }
  })
}

function lines(files: FileTree, path: string): string[] {
  if (!files.exists(path)) return []
  return files
    .read(path)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
}
