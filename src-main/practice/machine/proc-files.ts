import {
  PosixError,
  type FileStat,
  type PracticeClock,
  type PracticeProcess,
  type ProcessTable,
  type VirtualFiles,
} from './machine.ts'

type Entry =
  | { kind: 'directory'; list: () => string[] }
  | { kind: 'file'; text: () => string; mode?: number }
  | { kind: 'symlink'; target: string }

/**
 * /proc as Linux 6.1 shows it, as far as the tools of a load balancer read it. Sizes are 0 there, and the links of a process are only
 * for its own account and root.
 */
export function createProcFiles(
  clock: PracticeClock,
  processes: ProcessTable,
  /** when, on the monotonic clock, and another id each time */
  boot: () => { at: number; id: string },
): VirtualFiles {
  const uptimeS = (): number => (clock.monotonic() - boot().at) / 1000
  const bootId: Entry = { kind: 'file', text: () => `${boot().id}\n` }

  function find(path: string): { entry: Entry; uid: number } | null {
    const [first = '', ...below] = path.split('/')
    if (path === '')
      return {
        entry: { kind: 'directory', list: () => [...processes.list().map(({ pid }) => String(pid)), ...ownNames] },
        uid: 0,
      }
    if (first === 'uptime' && below.length === 0) {
      // The second figure is the idle time of all processors together.
      return { entry: { kind: 'file', text: () => `${uptimeS().toFixed(2)} ${uptimeS().toFixed(2)}\n` }, uid: 0 }
    }
    if (path === 'sys/kernel/random/boot_id') return { entry: bootId, uid: 0 }
    const system = Object.hasOwn(systemFiles, path) ? systemFiles[path] : undefined
    if (system !== undefined) return { entry: system, uid: 0 }
    // No reader is a process of the table, so init stands for it; it shares the pid namespace with all others.
    if (first === 'self' && below.length === 0) return { entry: { kind: 'symlink', target: '1' }, uid: 0 }
    const process = /^[1-9]\d*$/.test(first) ? processes.get(Number(first)) : null
    if (process === null) return null
    const entry = processEntry(process, below.join('/'))
    return entry === null ? null : { entry, uid: process.uid }
  }

  function processEntry(process: PracticeProcess, path: string): Entry | null {
    switch (path) {
      case '':
        return { kind: 'directory', list: () => processNames }
      case 'comm':
        return { kind: 'file', text: () => `${process.name}\n`, mode: 0o644 }
      case 'cmdline':
        return { kind: 'file', text: () => process.argv.map((word) => `${word}\0`).join('') }
      case 'environ':
        return { kind: 'file', text: () => environ(process), mode: 0o400 }
      case 'stat':
        return { kind: 'file', text: () => statLine(process, process.startedAt - boot().at) }
      case 'status':
        return { kind: 'file', text: () => status(process) }
      case 'cgroup':
        return { kind: 'file', text: () => '0::/\n' }
      case 'exe':
        return { kind: 'symlink', target: process.exe }
      case 'cwd':
        return { kind: 'symlink', target: process.cwd }
      case 'root':
        return { kind: 'symlink', target: '/' }
      case 'ns':
        return { kind: 'directory', list: () => ['pid'] }
      case 'ns/pid':
        return { kind: 'symlink', target: 'pid:[4026531836]' }
      case 'task':
        return { kind: 'directory', list: () => [String(process.pid)] }
      case `task/${process.pid}`:
        return { kind: 'directory', list: () => ['children'] }
      case `task/${process.pid}/children`:
        return { kind: 'file', text: () => children(process.pid) }
      default:
        return null
    }
  }

  const children = (pid: number): string =>
    processes
      .list()
      .filter((other) => other.parentPid === pid)
      .map((other) => `${other.pid} `)
      .join('')

  function existing(path: string): { entry: Entry; uid: number } {
    const found = find(path)
    if (found === null) throw new PosixError('ENOENT')
    return found
  }

  return {
    read(path) {
      const { entry } = existing(path)
      if (entry.kind === 'directory') throw new PosixError('EISDIR')
      if (entry.kind === 'symlink') throw new PosixError('EINVAL')
      return Buffer.from(entry.text())
    },

    lstat(path): FileStat {
      const { entry, uid } = existing(path)
      const mode = entry.kind === 'directory' ? 0o555 : entry.kind === 'symlink' ? 0o777 : (entry.mode ?? 0o444)
      return { kind: entry.kind, mode, uid, gid: uid, size: 0, modifiedAt: clock.now(), inode: inodeOf(path) }
    },

    list(path) {
      const { entry } = existing(path)
      if (entry.kind !== 'directory') throw new PosixError('ENOTDIR')
      return [...entry.list()]
    },

    readLink(path, uid) {
      const found = existing(path)
      if (found.entry.kind !== 'symlink') throw new PosixError('EINVAL')
      if (path !== 'self' && uid !== 0 && uid !== found.uid) throw new PosixError('EACCES')
      return found.entry.target
    },
  }
}

const ownNames = ['self', 'sys', 'uptime']
const folder = (...names: string[]): Entry => ({ kind: 'directory', list: () => names })
const systemFiles: Readonly<Record<string, Entry>> = {
  sys: folder('kernel', 'net'),
  'sys/kernel': folder('random'),
  'sys/kernel/random': folder('boot_id'),
  'sys/net': folder('ipv4'),
  'sys/net/ipv4': folder('ip_local_port_range', 'ip_nonlocal_bind'),
  'sys/net/ipv4/ip_nonlocal_bind': { kind: 'file', text: () => '0\n', mode: 0o644 },
  // those of the computer's loopback, which carries the connections
  'sys/net/ipv4/ip_local_port_range': { kind: 'file', text: () => '32768\t60999\n', mode: 0o644 },
}
const processNames = ['cgroup', 'cmdline', 'comm', 'cwd', 'environ', 'exe', 'ns', 'root', 'stat', 'status', 'task']

const stateLetter = { running: 'S', stopped: 'T', ended: 'Z' } as const
const stateWord = { running: 'S (sleeping)', stopped: 'T (stopped)', ended: 'Z (zombie)' } as const

function environ(process: PracticeProcess): string {
  return Object.entries(process.environment)
    .map(([name, value]) => `${name}=${value}\0`)
    .join('')
}

/** proc(5): 52 fields; here 1 to 4 (pid, name, state, parent) and 22 (start after boot in hundredths of a second) mean something. */
function statLine(process: PracticeProcess, startedAfterBootMs: number): string {
  const { pid, name, parentPid, group } = process
  const start = Math.max(0, Math.floor(startedAfterBootMs / 10))
  const upTo21 = `${pid} (${name}) ${stateLetter[process.state]} ${parentPid} ${group} ${group} 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0`
  return `${upTo21} ${start} 0 0 18446744073709551615${' 0'.repeat(27)}\n`
}

function status(process: PracticeProcess): string {
  const ids = [process.uid, process.uid, process.uid, process.uid].join('\t')
  return [
    `Name:\t${process.name}`,
    'Umask:\t0022',
    `State:\t${stateWord[process.state]}`,
    `Tgid:\t${process.pid}`,
    'Ngid:\t0',
    `Pid:\t${process.pid}`,
    `PPid:\t${process.parentPid}`,
    'TracerPid:\t0',
    `Uid:\t${ids}`,
    `Gid:\t${ids}`,
    'Threads:\t1',
    '',
  ].join('\n')
}

/** Stable per path, as inode numbers of /proc are while the process lives. */
function inodeOf(path: string): number {
  let hash = 4_026_531_840
  for (const letter of path) hash = (hash * 31 + letter.charCodeAt(0)) % 2 ** 32
  return hash
}
