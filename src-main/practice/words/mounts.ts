/*
 * Mount namespaces, as far as candidate files are tried in the place of the real ones: `unshare -m COMMAND` runs the command on the same
 * machine with a file tree of its own, into which `mount` puts a new file system in memory, or files and folders over others. Nobody outside
 * sees that, and it is gone with the command. Without `unshare` a mount would be for the whole machine, which a practice machine does not do.
 */
import { posix } from 'node:path'
import { groupsOf } from '../machine/accounts.ts'
import { createFileTree } from '../machine/file-tree.ts'
import { type FileTree, type Machine, PosixError, type Program } from '../machine/machine.ts'
import { replaceBy } from './run-other.ts'
import { readOptions, word, WordError, wordPath } from './word.ts'

interface Place {
  readonly tree: FileTree
  readonly path: string
}

interface Namespace {
  /** where a path of the namespace leads */
  at(path: string): Place
  /** puts what is at `source` over `target` */
  mount(source: Place, target: string): void
}

/** by the file tree that its processes see */
const namespaces = new WeakMap<FileTree, Namespace>()

function newNamespace(below: FileTree): FileTree {
  const mounts = new Map<string, Place>()

  function mounted(path: string): Place | null {
    const [target] = [...mounts.keys()]
      .filter((each) => path === each || path.startsWith(`${each}/`))
      .sort((one, other) => other.length - one.length)
    const place = target === undefined ? undefined : mounts.get(target)
    return target === undefined || place === undefined
      ? null
      : { tree: place.tree, path: posix.join(place.path, path.slice(target.length)) }
  }

  function at(path: string): Place {
    const plain = posix.normalize(path)
    return mounted(plain) ?? mounted(withoutLinks(below, plain)) ?? { tree: below, path }
  }

  /** One tree's own work, from one of its places to another. */
  function between(from: string, to: string, work: (tree: FileTree, from: string, to: string) => void): void {
    const [source, target] = [at(from), at(to)]
    if (mounts.has(posix.normalize(from)) || mounts.has(posix.normalize(to)) || source.tree !== target.tree)
      throw new PosixError('EPERM')
    work(source.tree, source.path, target.path)
  }

  const on = <Result>(path: string, work: (tree: FileTree, path: string) => Result): Result => {
    const { tree, path: inside } = at(path)
    return work(tree, inside)
  }

  const seen: FileTree = {
    read: (path, uid) => on(path, (tree, own) => tree.read(own, uid)),
    write: (path, bytes, options) => on(path, (tree, own) => tree.write(own, bytes, options)),
    stat: (path, uid) => on(path, (tree, own) => tree.stat(own, uid)),
    lstat: (path, uid) => on(path, (tree, own) => tree.lstat(own, uid)),
    list: (path, uid) => on(path, (tree, own) => tree.list(own, uid)),
    makeDirectory: (path, options) => on(path, (tree, own) => tree.makeDirectory(own, options)),
    remove: (path, options) => between(path, path, (tree, own) => tree.remove(own, options)),
    rename: (from, to, uid) => between(from, to, (tree, source, target) => tree.rename(source, target, uid)),
    link: (from, to, uid) => between(from, to, (tree, source, target) => tree.link(source, target, uid)),
    symlink: (target, path, uid) => on(path, (tree, own) => tree.symlink(target, own, uid)),
    readLink: (path, uid) => on(path, (tree, own) => tree.readLink(own, uid)),
    realPath(path, uid) {
      const { tree, path: own } = at(path)
      const real = tree.realPath(own, uid)
      return tree === below && own === path ? real : posix.normalize(path)
    },
    setMode: (path, mode, uid) => on(path, (tree, own) => tree.setMode(own, mode, uid)),
    setOwner: (path, uid, gid) => on(path, (tree, own) => tree.setOwner(own, uid, gid)),
    mayAccess: (path, uid, want) => on(path, (tree, own) => tree.mayAccess(own, uid, want)),
    exists: (path) => on(path, (tree, own) => tree.exists(own)),
    watch: (path, changed) => on(path, (tree, own) => tree.watch(own, changed)),
    mount: (path, provider) => below.mount(path, provider),
    setFault: (fault) => below.setFault(fault),
  }
  namespaces.set(seen, {
    at,
    mount: (source, target) => mounts.set(withoutLinks(below, posix.normalize(target)), source),
  })
  return seen
}

function withoutLinks(tree: FileTree, path: string): string {
  try {
    return tree.realPath(path)
  } catch (thrown) {
    if (thrown instanceof PosixError) return path
    throw thrown
  }
}

const unshare = word((call) => {
  // Options end at the command.
  const words = call.argv.slice(1)
  const command = words.findIndex((each) => !each.startsWith('-'))
  const options = command === -1 ? words : words.slice(0, command)
  const unknown = options.find((each) => each !== '-m' && each !== '--mount')
  if (unknown !== undefined)
    throw new WordError(`invalid option -- '${unknown.slice(1, 2)}'\nTry 'unshare --help' for more information.`)
  if (command === -1 || options.length === 0) throw new WordError('a practice machine runs only "unshare -m COMMAND"')
  if (call.uid !== 0) throw new WordError('unshare failed: Operation not permitted')
  const { machine } = call
  return replaceBy(call, words.slice(command), { machine: { ...machine, files: newNamespace(machine.files) } })
})

const failed = 32
const hint = '\n       dmesg(1) may have more information after failed mount system call.'

/** `mount --bind SOURCE TARGET`, `mount -t tmpfs [-o mode=700] tmpfs TARGET`, and `mount --make-rprivate /`, which every namespace is. */
const mount = word((call) => {
  const letters = { bind: 'B', 'make-rprivate': 'P' }
  const { options, rest } = readOptions(call, 'BPt:o:', letters)
  const target = rest.at(-1) ?? ''
  const fail = (reason: string): never => {
    throw new WordError(`${target}: ${reason}${hint}`, failed)
  }
  if (call.uid !== 0) fail('must be superuser to use mount.')
  const namespace = namespaces.get(call.machine.files)
  if (namespace === undefined) return fail('a practice machine mounts only within "unshare -m".')
  if (options.has('P') && rest.length === 1 && target === '/') return 0
  const to = wordPath(call, target)
  if (rest.length !== 2 || !call.machine.files.exists(to)) fail('mount point does not exist.')
  if (options.get('t') === 'tmpfs') namespace.mount(newTree(call.machine, options.get('o') ?? ''), to)
  else if (options.has('B')) {
    const [source = ''] = rest
    const from = wordPath(call, source)
    const isFolder = (path: string): boolean => call.machine.files.stat(path).kind === 'directory'
    if (!call.machine.files.exists(from)) fail(`special device ${source} does not exist.`)
    if (isFolder(from) !== isFolder(to)) fail('mount point is not a directory.')
    namespace.mount(namespace.at(from), to)
  } else fail('a practice machine knows --bind and -t tmpfs.')
  return 0
})

function newTree({ clock, files }: Machine, options: string): Place {
  const [, mode = '1777'] = /^mode=([0-7]+)$/.exec(options) ?? []
  if (options !== '' && !options.startsWith('mode='))
    throw new WordError(`${options}: a practice machine knows only mode=…`, failed)
  const tree = createFileTree(clock, (uid) => groupsOf(files, uid))
  tree.setMode('/', Number.parseInt(mode, 8))
  return { tree, path: '/' }
}

export const mountWords: Readonly<Record<string, Program>> = { mount, unshare }
