import type { Machine } from '../machine/machine.ts'
import { createTextTool, textTools } from '../machine/text-tools.ts'
import { builtinProgram, sh } from '../shell/sh.ts'
import { arping } from './arping.ts'
import { fileWords } from './files.ts'
import { curl } from './http-clients.ts'
import { identityWords } from './identity.ts'
import { ip } from './ip.ts'
import { mountWords } from './mounts.ts'
import { processWords } from './processes.ts'
import { ss } from './ss.ts'
import { sudo } from './sudo.ts'
import { textWords } from './text.ts'
import { tr } from './tr.ts'
import { wrapperWords } from './wrappers.ts'

export const opsUid = 1000

/** What an administrator types on a Debian 12, the account `ops`, and its right to become root. */
export function installWords(machine: Machine): void {
  const { files, programs } = machine
  for (const name of textTools) programs.install(`/usr/bin/${name}`, createTextTool(name))
  for (const words of [
    fileWords,
    identityWords,
    mountWords,
    processWords,
    textWords,
    wrapperWords,
    { arping, curl, ip, ss, sudo, sh, tr },
  ]) {
    for (const [name, program] of Object.entries(words)) programs.install(`/usr/bin/${name}`, program)
  }
  for (const name of ['[', 'echo', 'false', 'kill', 'printf', 'pwd', 'test', 'true']) {
    programs.install(`/usr/bin/${name}`, builtinProgram(name))
  }
  files.write('/etc/passwd', `ops:x:${opsUid}:${opsUid}:operator:/home/ops:/bin/sh\n`, { append: true })
  files.write('/etc/group', `ops:x:${opsUid}:\n`, { append: true })
  files.makeDirectory('/home/ops', { parents: true, mode: 0o700 })
  files.setOwner('/home/ops', opsUid, opsUid)
  files.makeDirectory('/etc/sudoers.d', { parents: true, mode: 0o750 })
  files.write('/etc/sudoers.d/ops', 'ops ALL=(ALL) NOPASSWD: ALL\n', { mode: 0o440 })
}
