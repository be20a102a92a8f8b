import { posix } from 'node:path'
import { userName } from '../machine/accounts.ts'
import { type FileStat, PosixError, type Program, type ProgramCall } from '../machine/machine.ts'
import { unescape } from '../shell/printf.ts'
import { missingOperand, readOptions, word, WordError, wordPath } from './word.ts'

/** Goes on after a failure, as the real ones do; the words before the reason are the program's own. */
function each(
  call: ProgramCall,
  names: readonly string[],
  what: (name: string) => string,
  work: (path: string, name: string) => void,
): number {
  let status = 0
  for (const name of names) {
    try {
      work(wordPath(call, name), name)
    } catch (thrown) {
      if (!(thrown instanceof PosixError)) throw thrown
      call.stderr(`${posix.basename(call.argv[0] ?? '')}: ${what(name)}: ${thrown.message}\n`)
      status = 1
    }
  }
  return status
}

const cat = word((call) => {
  const { rest } = readOptions(call, 'u')
  return each(
    call,
    rest.length === 0 ? ['-'] : rest,
    (name) => name,
    (path, name) => {
      call.stdout(name === '-' ? call.stdin : call.machine.files.read(path, call.uid))
    },
  )
})

/** `readlink -f`: every link on the way; only the last name may be missing. */
function canonical({ files }: ProgramCall['machine'], path: string): string {
  try {
    return files.realPath(path)
  } catch (thrown) {
    if (!(thrown instanceof PosixError) || thrown.code !== 'ENOENT') throw thrown
    return posix.join(files.realPath(posix.dirname(path)), posix.basename(path))
  }
}

const readlink = word((call) => {
  const { options, rest } = readOptions(call, 'fen', { canonicalize: 'f' })
  if (rest.length === 0) missingOperand(call)
  const { files } = call.machine
  for (const name of rest) {
    try {
      const path = wordPath(call, name)
      call.stdout(
        `${options.has('f') ? canonical(call.machine, path) : options.has('e') ? files.realPath(path) : files.readLink(path)}${options.has('n') ? '' : '\n'}`,
      )
    } catch (thrown) {
      // readlink(1) is silent about what is no link
      if (!(thrown instanceof PosixError)) throw thrown
      return 1
    }
  }
  return 0
})

const rm = word((call) => {
  const { options, rest } = readOptions(call, 'rRf', { recursive: 'r', force: 'f' })
  const recursive = options.has('r') || options.has('R')
  if (rest.length === 0 && !options.has('f')) missingOperand(call)
  return each(
    call,
    rest,
    (name) => `cannot remove '${name}'`,
    (path) => {
      try {
        const { kind } = call.machine.files.lstat(path)
        if (kind === 'directory' && !recursive) throw new PosixError('EISDIR')
        call.machine.files.remove(path, { recursive, uid: call.uid })
      } catch (thrown) {
        if (!options.has('f') || !(thrown instanceof PosixError) || thrown.code !== 'ENOENT') throw thrown
      }
    },
  )
})

const mkdir = word((call) => {
  const { options, rest } = readOptions(call, 'pm:', { parents: 'p', mode: 'm' })
  if (rest.length === 0) missingOperand(call)
  const mode = options.get('m')
  const made = { uid: call.uid, ...(mode === undefined ? {} : { mode: octal(mode) }) }
  return each(
    call,
    rest,
    (name) => `cannot create directory ‘${name}’`,
    (path) => {
      if (options.has('p') && call.machine.files.exists(path) && call.machine.files.stat(path).kind === 'directory') return
      call.machine.files.makeDirectory(path, { ...made, parents: options.has('p') })
    },
  )
})

const rmdir = word((call) => {
  const { rest } = readOptions(call, '')
  if (rest.length === 0) missingOperand(call)
  return each(
    call,
    rest,
    (name) => `failed to remove '${name}'`,
    (path) => {
      if (call.machine.files.lstat(path).kind !== 'directory') throw new PosixError('ENOTDIR')
      call.machine.files.remove(path, { uid: call.uid })
    },
  )
})

function octal(text: string): number {
  if (!/^[0-7]{1,4}$/.test(text)) throw new WordError(`invalid mode: ‘${text}’`)
  return parseInt(text, 8)
}

/** Where the last word says: into a directory under the own name, or to the name itself. */
function placed(call: ProgramCall, rest: readonly string[]): { from: string; to: string }[] {
  if (rest.length === 0) throw new WordError("missing file operand\nTry '--help' for more information.")
  const last = rest.at(-1) ?? ''
  if (rest.length === 1) throw new WordError(`missing destination file operand after '${last}'`)
  const { files } = call.machine
  const target = wordPath(call, last)
  const inside = files.exists(target) && files.stat(target).kind === 'directory'
  if (rest.length > 2 && !inside) throw new WordError(`target '${last}' is not a directory`)
  return rest.slice(0, -1).map((name) => ({ from: name, to: inside ? posix.join(target, posix.basename(name)) : target }))
}

const mv = word((call) => {
  const { rest } = readOptions(call, 'fT')
  return placed(call, rest)
    .map(({ from, to }) =>
      each(
        call,
        [from],
        (name) =>
          call.machine.files.exists(wordPath(call, name)) ? `cannot move '${name}' to '${to}'` : `cannot stat '${name}'`,
        (path) => {
          call.machine.files.rename(path, to, call.uid)
        },
      ),
    )
    .reduce((worst, status) => Math.max(worst, status), 0)
})

const cp = word((call) => {
  const { options, rest } = readOptions(call, 'pfaRr', { preserve: 'p', archive: 'a', recursive: 'R' })
  const { files } = call.machine
  const keeps = options.has('p') || options.has('a')
  const recursive = ['a', 'R', 'r'].some((letter) => options.has(letter))
  const copy = (path: string, to: string): void => {
    const { kind, mode, uid, gid } = recursive ? files.lstat(path) : files.stat(path)
    if (kind === 'symlink') return files.symlink(files.readLink(path), to, call.uid)
    if (kind === 'directory') {
      if (!recursive) throw new PosixError('EISDIR')
      if (!files.exists(to)) files.makeDirectory(to, { mode, uid: call.uid })
      for (const name of files.list(path, call.uid)) copy(posix.join(path, name), posix.join(to, name))
    } else files.write(to, files.read(path, call.uid), { uid: call.uid, mode })
    if (!keeps) return
    files.setMode(to, mode)
    if (call.uid === 0) files.setOwner(to, uid, gid)
  }
  return placed(call, rest)
    .map(({ from, to }) =>
      each(
        call,
        [from],
        (name) => `cannot copy '${name}'`,
        (path) => copy(path, to),
      ),
    )
    .reduce((worst, status) => Math.max(worst, status), 0)
})

const ln = word((call) => {
  const { options, rest } = readOptions(call, 'sfn')
  const { files } = call.machine
  const [target, name] = rest
  if (target === undefined || name === undefined) return missingOperand(call)
  return each(
    call,
    [name],
    (link) => `failed to create ${options.has('s') ? 'symbolic' : 'hard'} link '${link}'`,
    (path) => {
      requireFolder(call, path)
      if (options.has('f') && files.exists(path)) files.remove(path, { uid: call.uid })
      if (options.has('s')) files.symlink(target, path)
      else files.link(wordPath(call, target), path)
    },
  )
})

function requireFolder(call: ProgramCall, path: string): void {
  if (!call.machine.files.mayAccess(posix.dirname(path), call.uid, 'write')) throw new PosixError('EACCES')
}

/** Only its owner and root may change a file's mode or owner. */
function requireOwner(call: ProgramCall, path: string): FileStat {
  const stat = call.machine.files.stat(path)
  if (call.uid !== 0 && call.uid !== stat.uid) throw new PosixError('EPERM')
  return stat
}

const chmod = word((call) => {
  const { rest } = readOptions(call, 'f')
  const [mode, ...names] = rest
  if (mode === undefined || names.length === 0) return missingOperand(call)
  return each(
    call,
    names,
    (name) => `changing permissions of '${name}'`,
    (path) => {
      const { mode: before } = requireOwner(call, path)
      call.machine.files.setMode(path, /^[-+]x$/.test(mode) ? (mode === '+x' ? before | 0o111 : before & ~0o111) : octal(mode))
    },
  )
})

const chown = word((call) => {
  const { rest } = readOptions(call, 'f')
  const [owner = '', ...names] = rest
  if (names.length === 0) return missingOperand(call)
  const [user = '', group] = owner.split(':')
  const uid = idOf(call, '/etc/passwd', user, 'user')
  const gid = group === undefined || group === '' ? null : idOf(call, '/etc/group', group, 'group')
  return each(
    call,
    names,
    (name) => `changing ownership of '${name}'`,
    (path) => {
      const stat = call.machine.files.stat(path)
      if (call.uid !== 0) throw new PosixError('EPERM')
      call.machine.files.setOwner(path, uid ?? stat.uid, gid ?? stat.gid)
    },
  )
})

function idOf(call: ProgramCall, file: string, name: string, what: string): number | null {
  if (name === '') return null
  if (/^\d+$/.test(name)) return Number(name)
  const line = call.machine.files
    .read(file)
    .toString('utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`))
  if (line === undefined) throw new WordError(`invalid ${what}: ‘${name}’`)
  return Number(line.split(':')[2])
}

const touch = word((call) => {
  const { rest } = readOptions(call, '')
  if (rest.length === 0) missingOperand(call)
  return each(
    call,
    rest,
    (name) => `cannot touch '${name}'`,
    (path) => {
      call.machine.files.write(path, '', { append: true, uid: call.uid })
    },
  )
})

const typeNames = { file: 'regular file', directory: 'directory', symlink: 'symbolic link', socket: 'socket' } as const
const typeLetters = { file: '-', directory: 'd', symlink: 'l', socket: 's' } as const

const modeText = ({ kind, mode }: FileStat): string =>
  typeLetters[kind] +
  [6, 3, 0]
    .map((shift) => [4, 2, 1].map((bit, index) => ((mode >> shift) & bit ? ('rwx'[index] ?? '') : '-')).join(''))
    .join('')

const groupName = ({ machine }: ProgramCall, gid: number): string =>
  machine.files
    .read('/etc/group')
    .toString('utf8')
    .split('\n')
    .find((line) => line.split(':')[2] === String(gid))
    ?.split(':')[0] ?? String(gid)

/** With `-c FORMAT` or `--printf FORMAT` only: the table without it is for people. */
const stat = word((call) => {
  const { options, rest } = readOptions(call, 'Lc:P:', { dereference: 'L', format: 'c', printf: 'P' })
  const format = options.get('c') ?? options.get('P')
  if (rest.length === 0) missingOperand(call)
  if (format === undefined)
    throw new WordError('a practice machine shows only what is asked for with -c FORMAT or --printf FORMAT')
  const { files } = call.machine
  return each(
    call,
    rest,
    (name) => `cannot statx '${name}'`,
    (path, name) => {
      const found = options.has('L') ? files.stat(path) : files.lstat(path)
      const values: Record<string, string | number> = {
        ...{
          n: name,
          s: found.size,
          a: found.mode.toString(8),
          A: modeText(found),
          u: found.uid,
          g: found.gid,
          i: found.inode,
        },
        ...{ U: userName(files, found.uid) ?? 'UNKNOWN', G: groupName(call, found.gid), F: typeNames[found.kind], '%': '%' },
        ...{ Y: Math.floor(found.modifiedAt / 1000) },
      }
      const text = format.replace(/%(.)/g, (all, letter: string) => {
        if (!Object.hasOwn(values, letter)) throw new WordError(`a practice machine does not know ${all} in a format`)
        return String(values[letter])
      })
      call.stdout(options.has('c') ? `${text}\n` : unescape(text).bytes)
    },
  )
})

const ls = word((call) => {
  const { options, rest } = readOptions(call, 'laA1dht')
  const { files } = call.machine
  const names = rest.length === 0 ? ['.'] : rest
  const line = (path: string, name: string): string => {
    if (!options.has('l')) return name
    const found = files.lstat(path)
    const date = new Date(found.modifiedAt).toISOString().slice(0, 16).replace('T', ' ')
    const target = found.kind === 'symlink' ? ` -> ${files.readLink(path)}` : ''
    const owner = userName(files, found.uid) ?? String(found.uid)
    return `${modeText(found)} 1 ${owner} ${groupName(call, found.gid)} ${String(found.size).padStart(6)} ${date} ${name}${target}`
  }
  const failed = each(
    call,
    names,
    (name) => `cannot access '${name}'`,
    (path, name) => {
      const isFolder = !options.has('d') && files.stat(path).kind === 'directory'
      if (!isFolder) return call.stdout(`${line(path, name)}\n`)
      if (!files.mayAccess(path, call.uid, 'read')) throw new PosixError('EACCES')
      if (names.length > 1) call.stdout(`${name}:\n`)
      const dots = options.has('a') ? ['.', '..'] : []
      const shown = [...dots, ...files.list(path).filter((one) => options.has('a') || options.has('A') || !one.startsWith('.'))]
      for (const one of shown.sort()) call.stdout(`${line(posix.join(path, one), one)}\n`)
    },
  )
  return failed === 0 ? 0 : 2
})

const mktemp = word((call) => {
  const { options, rest } = readOptions(call, 'd')
  const template = rest[0] ?? '/tmp/tmp.XXXXXXXXXX'
  if (!/XXX$/.test(template)) throw new WordError(`too few X's in template ‘${template}’`)
  const name = template.replace(/X+$/, (all) => crypto.randomUUID().replaceAll('-', '').slice(0, all.length))
  const path = wordPath(call, name)
  if (options.has('d')) call.machine.files.makeDirectory(path, { mode: 0o700, uid: call.uid })
  else call.machine.files.write(path, '', { mode: 0o600, uid: call.uid })
  call.stdout(`${name}\n`)
  return 0
})

export const fileWords: Readonly<Record<string, Program>> = {
  cat,
  readlink,
  rm,
  mkdir,
  rmdir,
  mv,
  cp,
  ln,
  chmod,
  chown,
  touch,
  stat,
  ls,
  mktemp,
}
