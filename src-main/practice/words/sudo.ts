/*
 * sudo, for rules of one form: `user ALL=(root) NOPASSWD: /path/program argument…, …` or `ALL`, in /etc/sudoers.d. Nobody has a
 * password here, so whatever would ask for one is refused as with -n.
 */
import { posix } from 'node:path'
import type { Program, ProgramCall } from '../machine/machine.ts'
import { findProgram } from '../shell/execute.ts'
import { signalNumber } from '../shell/signals.ts'
import { runChild } from './run-other.ts'
import { word, WordError } from './word.ts'

const securePath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export const sudo: Program = word(async (call, words) => {
  let list = false
  while (words[0]?.startsWith('-') === true) {
    const next = words.shift()
    if (next === '--') break
    if (next === '-l') list = true
    else if (next === '-u' && words[0] === 'root') words.shift()
    else if (next !== '-n') throw new WordError(`a practice machine's sudo has no option ${next ?? ''}`)
  }
  const allowed = call.uid === 0 ? ['ALL'] : rulesFor(call)
  if (words.length === 0) return list ? showRules(call, allowed) : usage(call)
  const environment = { ...kept(call), PATH: securePath }
  const found = findProgram(call.machine, words[0] ?? '', { searchPath: securePath, cwd: call.cwd, uid: 0 })
  if (found === null || found === 'denied') throw new WordError(`${words[0] ?? ''}: command not found`)
  const path = posix.normalize(found.path)
  if (!allowed.some((rule) => covers(rule, [path, ...words.slice(1)]))) {
    if (list) return 1
    throw new WordError('a password is required')
  }
  if (list) {
    call.stdout(`${[path, ...words.slice(1)].join(' ')}\n`)
    return 0
  }
  const rooted = {
    ...environment,
    USER: 'root',
    LOGNAME: 'root',
    HOME: '/root',
    SUDO_USER: call.user,
    SUDO_UID: String(call.uid),
  }
  const ended = await runChild(call, words, { uid: 0, user: 'root', environment: rooted })
  return ended.signal === null ? ended.code : 128 + signalNumber(ended.signal)
})

/** env_reset keeps a few variables only (sudoers(5)). */
function kept({ environment }: ProgramCall): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => /^(?:LANG|LC_[A-Z]+|TERM|TZ)$/.test(name)))
}

function usage(call: ProgramCall): number {
  call.stderr('usage: sudo -h | -K | -k | -V\nusage: sudo [-n] [-u user] command [arg ...]\n')
  return 1
}

function showRules(call: ProgramCall, allowed: readonly string[]): number {
  if (allowed.length === 0) throw new WordError('a password is required')
  call.stdout(`User ${call.user} may run the following commands on ${call.machine.name}:\n`)
  for (const rule of allowed) call.stdout(`    (root) NOPASSWD: ${rule}\n`)
  return 0
}

function rulesFor({ machine: { files }, user }: ProgramCall): string[] {
  const folder = '/etc/sudoers.d'
  if (!files.exists(folder)) return []
  return files.list(folder).flatMap((name) => {
    // as sudo does: no editor's leftovers
    if (name.includes('.') || name.endsWith('~')) return []
    return files
      .read(`${folder}/${name}`)
      .toString('utf8')
      .split('\n')
      .flatMap((line) => {
        const [, account, commands = ''] =
          /^(\S+)\s+ALL\s*=\s*\((?:root|ALL|ALL:ALL)\)\s*NOPASSWD:\s*(.+?)\s*$/.exec(line) ?? []
        return account === user ? commands.split(/(?<!\\),\s*/) : []
      })
  })
}

/** A rule without arguments allows any. */
function covers(rule: string, argv: readonly string[]): boolean {
  if (rule === 'ALL') return true
  const wanted = rule.split(/(?<!\\)\s+/).map((part) => part.replace(/\\(.)/g, '$1'))
  if (wanted.length === 1) return wanted[0] === argv[0]
  return wanted.length === argv.length && wanted.every((part, index) => part === argv[index])
}
