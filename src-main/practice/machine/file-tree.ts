/*
 * A file system in memory. Every call happens at once and wholly, so nobody ever sees half a rename; only a full disk leaves a
 * truncated file behind, as it really does. Watchers are told in a microtask after the change, never in the middle of it.
 */
import { allows, assertNotSticky, contentOf, type DirectoryInode, type Inode } from './inodes.ts'
import { PosixError, type FileTree, type PracticeClock, type VirtualFiles } from './machine.ts'
import { childPath, createPathWalker, placeStat, placeTarget, type Place, type Spot } from './path-walk.ts'

/** What the machine itself needs beyond what its programs may do. */
export interface LocalFileTree extends FileTree {
  /** bind(2) of a unix socket by root, and whose it then becomes. Throws PosixError `EADDRINUSE` when something is there. */
  makeSocket(path: string, options: { mode: number; uid: number; gid: number }): void
}

/** `groupsOf` names the groups of an account, its own first. */
export function createFileTree(clock: PracticeClock, groupsOf: (uid: number) => number[]): LocalFileTree {
  let inodes = 131_072
  const attributes = (mode: number, uid: number, gid: number) => ({ number: ++inodes, mode, uid, gid, modifiedAt: clock.now() })
  const root: DirectoryInode = { kind: 'directory', entries: new Map(), ...attributes(0o755, 0, 0) }
  const mounts = new Map<string, VirtualFiles>()
  const { walk } = createPathWalker(root, mounts, groupsOf)
  const watchers = new Set<{ path: string; changed: () => void }>()
  let fault: 'full' | 'read-only' | null = null

  const may = (place: Place, uid: number, want: 'read' | 'write' | 'execute'): boolean =>
    allows(placeStat(place), uid, () => groupsOf(uid), want)

  function existing(path: string, uid: number, followLast: boolean): Place {
    const { place } = walk(path, uid, followLast)
    if (place === null) throw new PosixError('ENOENT')
    return place
  }

  /** /run is a tmpfs: the disk's faults do not reach it. */
  const hasFault = (which: 'full' | 'read-only', path: string): boolean => fault === which && !path.startsWith('/run/')

  /** The directory of `spot`, to be changed by `uid`. */
  function writableParent(spot: Spot, uid: number): DirectoryInode {
    if ('provider' in spot.parent) throw new PosixError('EPERM')
    if (spot.parent.inode.kind !== 'directory') throw new PosixError('ENOTDIR')
    if (!may(spot.parent, uid, 'write')) throw new PosixError('EACCES')
    if (hasFault('read-only', spot.path)) throw new PosixError('EROFS')
    return spot.parent.inode
  }

  function inodeAt(spot: Spot): Inode | null {
    if (spot.place === null) return null
    if ('provider' in spot.place) throw new PosixError('EPERM')
    return spot.place.inode
  }

  /** A new entry where nothing is yet. */
  function add(spot: Spot, uid: number, inode: Inode): void {
    if (spot.place !== null) throw new PosixError('EEXIST')
    const parent = writableParent(spot, uid)
    if (hasFault('full', spot.path) && inode.kind !== 'file') throw new PosixError('ENOSPC')
    parent.entries.set(spot.name, inode)
    parent.modifiedAt = clock.now()
    notify(spot.path)
  }

  function take(spot: Spot, uid: number): Inode {
    const inode = inodeAt(spot)
    if (inode === null) throw new PosixError('ENOENT')
    if (inode === root || mounts.has(spot.path)) throw new PosixError('EPERM')
    const parent = writableParent(spot, uid)
    assertNotSticky(parent, inode, uid)
    if (inode.kind === 'directory' && inode.entries.size > 0) throw new PosixError('ENOTEMPTY')
    parent.entries.delete(spot.name)
    parent.modifiedAt = clock.now()
    notify(spot.path)
    return inode
  }

  function notify(path: string): void {
    for (const watcher of watchers) {
      const isConcerned = watcher.path === path || watcher.path.startsWith(`${path}/`) || leadsTo(watcher.path, path)
      if (isConcerned) queueMicrotask(() => watchers.has(watcher) && watcher.changed())
    }
  }

  function leadsTo(watched: string, path: string): boolean {
    try {
      return walk(watched, 0, true).path === path || walk(watched, 0, false).path === path
    } catch {
      return false
    }
  }

  function owned(path: string, uid: number): Inode {
    const spot = walk(path, 0, true)
    const inode = inodeAt({ ...spot, place: existing(path, uid, true) })
    if (inode === null) throw new PosixError('ENOENT')
    if (uid !== 0 && uid !== inode.uid) throw new PosixError('EPERM')
    if (hasFault('read-only', spot.path)) throw new PosixError('EROFS')
    return inode
  }

  const primaryGroup = (uid: number): number => groupsOf(uid)[0] ?? uid

  const tree: LocalFileTree = {
    read(path, uid = 0) {
      const place = existing(path, uid, true)
      if (!may(place, uid, 'read')) throw new PosixError('EACCES')
      if ('provider' in place) return place.provider.read(place.below, uid)
      if (place.inode.kind === 'directory') throw new PosixError('EISDIR')
      if (place.inode.kind !== 'file') throw new PosixError('EINVAL')
      return contentOf(place.inode)
    },

    write(path, bytes, { mode = 0o644, uid = 0, append = false } = {}) {
      const spot = walk(path, uid, true)
      let file = inodeAt(spot)
      if (file === null) {
        file = { kind: 'file', pieces: [], size: 0, ...attributes(mode, uid, primaryGroup(uid)) }
        add(spot, uid, file)
      } else {
        if (file.kind === 'directory') throw new PosixError('EISDIR')
        if (file.kind !== 'file') throw new PosixError('EINVAL')
        if (!allows(file, uid, () => groupsOf(uid), 'write')) throw new PosixError('EACCES')
        if (hasFault('read-only', spot.path)) throw new PosixError('EROFS')
        notify(spot.path)
      }
      const piece = Buffer.from(bytes)
      const hasRoom = piece.length === 0 || !hasFault('full', spot.path)
      if (!append) file.pieces = []
      if (hasRoom) file.pieces.push(piece)
      file.size = hasRoom ? (append ? file.size : 0) + piece.length : append ? file.size : 0
      file.modifiedAt = clock.now()
      if (!hasRoom) throw new PosixError('ENOSPC')
    },

    stat: (path, uid = 0) => placeStat(existing(path, uid, true)),
    lstat: (path, uid = 0) => placeStat(existing(path, uid, false)),

    list(path, uid = 0) {
      const place = existing(path, uid, true)
      if (placeStat(place).kind !== 'directory') throw new PosixError('ENOTDIR')
      if (!may(place, uid, 'read')) throw new PosixError('EACCES')
      const names = 'provider' in place ? place.provider.list(place.below) : entryNames(place.inode)
      return names.sort()
    },

    makeDirectory(path, { mode = 0o755, uid = 0, parents = false } = {}) {
      const spot = parents ? walkMaking(path, uid) : walk(path, uid, false)
      if (parents && spot.place !== null && placeStat(existing(path, uid, true)).kind === 'directory') return
      add(spot, uid, { kind: 'directory', entries: new Map(), ...attributes(mode, uid, primaryGroup(uid)) })
    },

    remove(path, { recursive = false, uid = 0 } = {}) {
      const spot = walk(path, uid, false)
      const inode = inodeAt(spot)
      if (recursive && inode?.kind === 'directory') {
        for (const name of tree.list(spot.path, uid)) tree.remove(childPath(spot.path, name), { recursive, uid })
      }
      take(walk(path, uid, false), uid)
    },

    rename(from, to, uid = 0) {
      const source = walk(from, uid, false)
      const target = walk(to, uid, false)
      const moved = inodeAt(source)
      const replaced = inodeAt(target)
      if (moved === null) throw new PosixError('ENOENT')
      if (moved === replaced) return
      const sourceParent = writableParent(source, uid)
      const targetParent = writableParent(target, uid)
      assertNotSticky(sourceParent, moved, uid)
      if (moved === root || mounts.has(source.path)) throw new PosixError('EPERM')
      if (target.path.startsWith(`${source.path}/`)) throw new PosixError('EINVAL')
      if (replaced !== null) {
        assertNotSticky(targetParent, replaced, uid)
        if (replaced.kind === 'directory' && moved.kind !== 'directory') throw new PosixError('EISDIR')
        if (replaced.kind !== 'directory' && moved.kind === 'directory') throw new PosixError('ENOTDIR')
        if (replaced.kind === 'directory' && replaced.entries.size > 0) throw new PosixError('ENOTEMPTY')
      }
      sourceParent.entries.delete(source.name)
      targetParent.entries.set(target.name, moved)
      sourceParent.modifiedAt = targetParent.modifiedAt = clock.now()
      notify(source.path)
      notify(target.path)
    },

    link(path, to, uid = 0) {
      const inode = inodeAt(walk(path, uid, false))
      if (inode === null) throw new PosixError('ENOENT')
      if (inode.kind === 'directory') throw new PosixError('EPERM')
      add(walk(to, uid, false), uid, inode)
    },

    symlink(target, path, uid = 0) {
      add(walk(path, uid, false), uid, { kind: 'symlink', target, ...attributes(0o777, uid, primaryGroup(uid)) })
    },

    makeSocket(path, { mode, uid, gid }) {
      const spot = walk(path, 0, false)
      if (spot.place !== null) throw new PosixError('EADDRINUSE')
      add(spot, 0, { kind: 'socket', ...attributes(mode, uid, gid) })
    },

    readLink: (path, uid = 0) => placeTarget(existing(path, uid, false), uid),

    realPath(path, uid = 0) {
      return existing(path, uid, true).path
    },

    setMode(path, mode, uid = 0) {
      owned(path, uid).mode = mode & 0o7777
    },

    setOwner(path, uid, gid) {
      Object.assign(owned(path, 0), { uid, gid })
    },

    mayAccess(path, uid, want) {
      try {
        return may(existing(path, uid, true), uid, want)
      } catch (thrown) {
        if (thrown instanceof PosixError) return false
        throw thrown
      }
    },

    exists(path) {
      try {
        return walk(path, 0, true).place !== null
      } catch (thrown) {
        if (thrown instanceof PosixError) return false
        throw thrown
      }
    },

    watch(path, changed) {
      const watcher = { path, changed }
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },

    mount(at, provider) {
      tree.makeDirectory(at, { parents: true })
      mounts.set(at, provider)
    },

    setFault(to) {
      fault = to
    },
  }

  /** As `mkdir -p` does: what is missing on the way is made too. */
  function walkMaking(path: string, uid: number): Spot {
    const above = path.replace(/\/+[^/]*\/*$/, '')
    if (above !== '' && !tree.exists(above)) tree.makeDirectory(above, { uid, parents: true })
    return walk(path, uid, false)
  }

  return tree
}

function entryNames(inode: Inode): string[] {
  return inode.kind === 'directory' ? [...inode.entries.keys()] : []
}
