import { allows, statOf, type DirectoryInode, type Inode } from './inodes.ts'
import { PosixError, type FileStat, type VirtualFiles } from './machine.ts'

/** Something that exists: an inode, or a path of a mounted file system. */
export type Place = { path: string; inode: Inode } | { path: string; provider: VirtualFiles; below: string }

/** Where a path leads: the directory, the name in it, and what is there now. */
export interface Spot {
  /** without symlinks, except perhaps the last part */
  path: string
  parent: Place
  name: string
  place: Place | null
}

export interface PathWalker {
  /** Throws PosixError `ENOENT` (a directory on the way is missing), `ENOTDIR`, `EACCES`, `ELOOP`. */
  walk(path: string, uid: number, followLast: boolean): Spot
}

/** Linux follows 40 symlinks, then gives up. */
const maxLinks = 40

/** path_resolution(7) over the tree below `root` and over what is mounted in it. */
export function createPathWalker(
  root: DirectoryInode,
  mounts: ReadonlyMap<string, VirtualFiles>,
  groupsOf: (uid: number) => number[],
): PathWalker {
  const rootPlace: Place = { path: '/', inode: root }

  function childOf(parent: Place, name: string): Place | null {
    const path = childPath(parent.path, name)
    if ('provider' in parent) {
      const below = parent.below === '' ? name : `${parent.below}/${name}`
      return existsIn(parent.provider, below) ? { path, provider: parent.provider, below } : null
    }
    const mounted = mounts.get(path)
    if (mounted !== undefined) return { path, provider: mounted, below: '' }
    const inode = parent.inode.kind === 'directory' ? parent.inode.entries.get(name) : undefined
    return inode === undefined ? null : { path, inode }
  }

  return {
    walk(path, uid, followLast) {
      if (!path.startsWith('/') || path.includes('\0')) throw new PosixError('ENOENT')
      const pending = partsOf(path)
      const passed: Place[] = [rootPlace]
      let links = 0
      for (;;) {
        const here = passed.at(-1) ?? rootPlace
        const name = pending.shift()
        if (name === undefined) {
          return {
            path: here.path,
            parent: passed.at(-2) ?? rootPlace,
            name: here.path.slice(here.path.lastIndexOf('/') + 1),
            place: here,
          }
        }
        const stat = placeStat(here)
        if (stat.kind !== 'directory') throw new PosixError('ENOTDIR')
        if (!allows(stat, uid, () => groupsOf(uid), 'execute')) throw new PosixError('EACCES')
        if (name === '..') {
          if (passed.length > 1) passed.pop()
          continue
        }
        const child = childOf(here, name)
        const isLast = pending.length === 0
        if (child === null) {
          if (!isLast) throw new PosixError('ENOENT')
          return { path: childPath(here.path, name), parent: here, name, place: null }
        }
        if ((!isLast || followLast) && placeStat(child).kind === 'symlink') {
          links += 1
          if (links > maxLinks) throw new PosixError('ELOOP')
          const target = placeTarget(child, uid)
          if (target.startsWith('/')) passed.length = 1
          pending.unshift(...partsOf(target))
          continue
        }
        passed.push(child)
      }
    },
  }
}

export function placeStat(place: Place): FileStat {
  return 'provider' in place ? place.provider.lstat(place.below) : statOf(place.inode)
}

/** Throws PosixError `EINVAL` for what is no symlink. */
export function placeTarget(place: Place, uid: number): string {
  if ('provider' in place) return place.provider.readLink(place.below, uid)
  if (place.inode.kind !== 'symlink') throw new PosixError('EINVAL')
  return place.inode.target
}

export function childPath(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`
}

const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.')

function existsIn(provider: VirtualFiles, below: string): boolean {
  try {
    provider.lstat(below)
    return true
  } catch (thrown) {
    if (thrown instanceof PosixError) return false
    throw thrown
  }
}
