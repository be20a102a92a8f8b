import { PosixError, type FileStat } from './machine.ts'

/** What a directory's entry points to. Several entries may point to one inode (hard links). */
export type Inode = FileInode | DirectoryInode | SymlinkInode | SocketInode

interface InodeBase {
  readonly number: number
  mode: number
  uid: number
  gid: number
  /** milliseconds since the epoch */
  modifiedAt: number
}

export interface FileInode extends InodeBase {
  readonly kind: 'file'
  /** In pieces, so that a log grows without being copied for each line. */
  pieces: Buffer[]
  size: number
}

export interface DirectoryInode extends InodeBase {
  readonly kind: 'directory'
  readonly entries: Map<string, Inode>
}

interface SymlinkInode extends InodeBase {
  readonly kind: 'symlink'
  readonly target: string
}

interface SocketInode extends InodeBase {
  readonly kind: 'socket'
}

export function statOf(inode: Inode): FileStat {
  const size =
    inode.kind === 'file'
      ? inode.size
      : inode.kind === 'directory'
        ? 4096
        : inode.kind === 'symlink'
          ? Buffer.byteLength(inode.target)
          : 0
  return {
    kind: inode.kind,
    mode: inode.mode,
    uid: inode.uid,
    gid: inode.gid,
    size,
    modifiedAt: inode.modifiedAt,
    inode: inode.number,
  }
}

export function contentOf(file: FileInode): Buffer {
  if (file.pieces.length > 1) file.pieces = [Buffer.concat(file.pieces)]
  return Buffer.from(file.pieces[0] ?? Buffer.alloc(0))
}

export type Access = 'read' | 'write' | 'execute'
const bits = { read: 4, write: 2, execute: 1 }

/** The kernel's rule: the first class that fits decides, even if a later one would allow more. */
export function allows(
  stat: Pick<FileStat, 'kind' | 'mode' | 'uid' | 'gid'>,
  uid: number,
  groups: () => number[],
  want: Access,
): boolean {
  if (uid === 0) return want !== 'execute' || stat.kind === 'directory' || (stat.mode & 0o111) !== 0
  const isAllowed = (shift: number): boolean => ((stat.mode >> shift) & bits[want]) !== 0
  if (uid === stat.uid) return isAllowed(6)
  // Most files say the same to their group and to others; then nobody needs to look into /etc/group.
  return isAllowed(3) === isAllowed(0) || groups().includes(stat.gid) ? isAllowed(3) : isAllowed(0)
}

/** In a directory with the sticky bit (/tmp) only the owners may remove or rename an entry. */
export function assertNotSticky(directory: DirectoryInode, entry: Inode, uid: number): void {
  const isOwner = uid === 0 || uid === entry.uid || uid === directory.uid
  if ((directory.mode & 0o1000) !== 0 && !isOwner) throw new PosixError('EPERM')
}
