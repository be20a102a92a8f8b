import { userName } from '../machine/accounts.ts'
import { PosixError, type PracticeProcess, type Program, type ProgramCall } from '../machine/machine.ts'
import { signalFrom } from '../shell/signals.ts'
import { word, WordError } from './word.ts'

const psHelp =
  'error: unsupported option on a practice machine; it knows ps, -e, -ef, aux and -o pid,ppid,user,comm,args,etimes,stat with -e or -p PID'

/** `ps`, `ps -e`, `ps -ef`, `ps aux`, `ps -e -o pid,args`, `ps -p PID -o comm=` */
const ps = word((call, words) => {
  let full = false
  let columns: string[] | null = null
  let pids: number[] | null = null
  let all = false
  while (words.length > 0) {
    const next = words.shift() ?? ''
    if (next === '-e' || next === '-A' || next === 'ax') all = true
    else if (next === '-ef' || next === 'aux') all = full = true
    else if (next === '-o' || next === '-eo') {
      all ||= next === '-eo'
      columns = [...(columns ?? []), ...(words.shift() ?? '').split(',')]
    } else if (next === '-p') pids = (words.shift() ?? '').split(',').map(Number)
    else {
      call.stderr(`${psHelp}\n`)
      return 1
    }
  }
  const shown = columns ?? (full ? ['user', 'pid', 'ppid', 'etimes', 'args'] : ['pid', 'comm'])
  const headers: Record<string, string> = {
    pid: 'PID',
    ppid: 'PPID',
    user: 'USER',
    comm: 'COMMAND',
    args: 'COMMAND',
    etimes: 'ELAPSED',
    stat: 'STAT',
  }
  const names = shown.map((column) => column.replace(/=.*$/, ''))
  const unknown = names.find((name) => !Object.hasOwn(headers, name))
  if (unknown !== undefined) {
    call.stderr(`error: unknown user-defined format specifier "${unknown}"\n`)
    return 1
  }
  const rows = call.machine.processes
    .list()
    .filter((one) => (pids === null ? all || one.uid === call.uid : pids.includes(one.pid)))
    .map((one) => names.map((name) => cell(call, one, name)))
  const header = shown.map((column, index) => (column.includes('=') ? '' : (headers[names[index] ?? ''] ?? '')))
  if (header.some((text) => text !== '')) rows.unshift(header)
  const widths = names.map((_name, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)))
  for (const row of rows) {
    const cells = row.map((text, index) =>
      /^\d+$/.test(text) ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0),
    )
    call.stdout(`${cells.join(' ').trimEnd()}\n`)
  }
  return pids !== null && rows.length === (header.some((text) => text !== '') ? 1 : 0) ? 1 : 0
})

function cell(call: ProgramCall, one: PracticeProcess, column: string): string {
  switch (column) {
    case 'pid':
      return String(one.pid)
    case 'ppid':
      return String(one.parentPid)
    case 'user':
      return userName(call.machine.files, one.uid) ?? String(one.uid)
    case 'comm':
      return one.name
    case 'etimes':
      return String(Math.floor((call.machine.clock.monotonic() - one.startedAt) / 1000))
    case 'stat':
      return one.state === 'stopped' ? 'T' : 'S'
    default:
      return one.argv.join(' ')
  }
}

/** `pgrep [-x] [-f] [-o|-n] [-P PPID] PATTERN`; the same for pkill, with -SIGNAL. */
function matching(call: ProgramCall, words: string[]): PracticeProcess[] {
  const flags = new Set<string>()
  let parent: number | null = null
  let pattern: string | null = null
  for (let next = words.shift(); next !== undefined; next = words.shift()) {
    if (next === '-P') parent = Number(words.shift())
    else if (/^-[xfonl]$/.test(next)) flags.add(next.slice(1))
    else if (next.startsWith('-')) throw new WordError(`invalid option -- '${next.slice(1, 2)}'`, 2)
    else if (pattern === null) pattern = next
    else throw new WordError("only one pattern can be provided\nTry `pgrep --help' for more information.", 2)
  }
  if (pattern === null && parent === null)
    throw new WordError("no matching criteria specified\nTry `pgrep --help' for more information.", 2)
  const wanted = new RegExp(flags.has('x') ? `^(?:${pattern ?? ''})$` : (pattern ?? ''))
  const found = call.machine.processes.list().filter((one) => {
    return (
      one.pid !== call.pid &&
      (parent === null || one.parentPid === parent) &&
      wanted.test(flags.has('f') ? one.argv.join(' ') : one.name)
    )
  })
  return flags.has('o') ? found.slice(0, 1) : flags.has('n') ? found.slice(-1) : found
}

const pgrep = word((call, words) => {
  const found = matching(call, words)
  for (const { pid } of found) call.stdout(`${pid}\n`)
  return found.length > 0 ? 0 : 1
})

const pkill = word((call, words) => {
  const given = words[0] !== undefined && /^-([A-Z][A-Z0-9+]+|\d+)$/.test(words[0]) ? (words.shift() ?? '').slice(1) : 'TERM'
  const signal = signalFrom(given)
  if (signal === undefined) throw new WordError(`unknown signal "${given}"`, 2)
  const found = matching(call, words)
  for (const { pid } of found) {
    try {
      call.machine.processes.signal(pid, signal, call.uid)
    } catch (thrown) {
      if (!(thrown instanceof PosixError)) throw thrown
      call.stderr(`pkill: killing pid ${pid} failed: ${thrown.message}\n`)
    }
  }
  return found.length > 0 ? 0 : 1
})

const systemctl: Program = (call) => {
  call.stderr(
    "System has not been booted with systemd as init system (PID 1). Can't operate.\nFailed to connect to bus: Host is down\n",
  )
  return 1
}

export const processWords: Readonly<Record<string, Program>> = { ps, pgrep, pkill, systemctl }
