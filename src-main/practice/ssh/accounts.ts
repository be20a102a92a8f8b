import type { Machine } from '../machine/machine.ts'

export interface Account {
  name: string
  uid: number
  gid: number
  home: string
}

/** By /etc/passwd; null: there is none of that name, or it may not log in. */
export function accountOf({ files }: Machine, name: string): Account | null {
  const line = files
    .read('/etc/passwd')
    .toString('utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`))
  const [, , uid, gid, , home = '/', shell = ''] = line?.split(':') ?? []
  if (uid === undefined || /(?:nologin|false)$/.test(shell)) return null
  return { name, uid: Number(uid), gid: Number(gid), home }
}

/** Adds a line to the account's authorized_keys. */
export function authorizeKey(machine: Machine, name: string, publicKey: string): void {
  const account = accountOf(machine, name)
  if (account === null) throw new Error(`There is no account ${name} on ${machine.name} that may log in.`)
  const folder = `${account.home}/.ssh`
  machine.files.makeDirectory(folder, { parents: true, mode: 0o700 })
  machine.files.write(`${folder}/authorized_keys`, `${publicKey.trim()}\n`, { append: true, mode: 0o600 })
  for (const path of [folder, `${folder}/authorized_keys`]) machine.files.setOwner(path, account.uid, account.gid)
}

/** The blobs of the account's authorized_keys, as the wire carries them. */
export function authorizedKeys({ files }: Machine, { home }: Account): Buffer[] {
  const path = `${home}/.ssh/authorized_keys`
  if (!files.exists(path)) return []
  return files
    .read(path)
    .toString('utf8')
    .split('\n')
    .flatMap((line) => {
      const [type = '', blob] = line.trim().split(/\s+/)
      return type.startsWith('#') || blob === undefined ? [] : [Buffer.from(blob, 'base64')]
    })
}

/** What sshd and PAM of Debian 12 give a login. */
export function loginEnvironment({ name, uid, home }: Account): Record<string, string> {
  const system = '/usr/local/bin:/usr/bin:/bin'
  return {
    ...{ USER: name, LOGNAME: name, HOME: home, SHELL: '/bin/sh', LANG: 'C.UTF-8' },
    PATH: uid === 0 ? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' : `${system}:/usr/games`,
  }
}
