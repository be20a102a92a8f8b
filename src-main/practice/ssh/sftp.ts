/*
 * The sftp subsystem, version 3, as OpenSSH answers it: rename never replaces, and what is not known is refused as unsupported. ssh2's
 * server cannot announce OpenSSH's extensions, so clients do not use them.
 */
import { posix } from 'node:path'
import ssh2, { type Attributes, type SFTPWrapper } from 'ssh2'
import { type FileStat, type Machine, PosixError } from '../machine/machine.ts'
import type { Account } from './accounts.ts'

const { STATUS_CODE: status, OPEN_MODE: mode } = ssh2.utils.sftp

type Handle = { kind: 'file'; path: string; flags: number } | { kind: 'folder'; path: string; told: boolean }

/** S_IFMT's bits */
const types = { file: 0o100000, directory: 0o040000, symlink: 0o120000, socket: 0o140000 } as const
const maxReadBytes = 256 * 1024
const maxFileBytes = 64 * 1024 * 1024

export function serveSftp({ files }: Machine, { uid, home }: Account, sftp: SFTPWrapper): void {
  const handles = new Map<number, Handle>()
  let nextHandle = 0

  const answer = (id: number, work: () => void): void => {
    try {
      work()
    } catch (thrown) {
      if (!(thrown instanceof PosixError)) throw thrown
      const known = { ENOENT: status.NO_SUCH_FILE, EACCES: status.PERMISSION_DENIED, EPERM: status.PERMISSION_DENIED } as const
      sftp.status(id, known[thrown.code as keyof typeof known] ?? status.FAILURE, thrown.message)
    }
  }
  const done = (id: number, work: () => void): void =>
    answer(id, () => {
      work()
      sftp.status(id, status.OK)
    })
  const at = (path: string): string => posix.resolve(home, path)
  const open = (handle: Handle): Buffer => {
    const name = Buffer.alloc(4)
    name.writeUInt32BE(nextHandle)
    handles.set(nextHandle, handle)
    nextHandle += 1
    return name
  }
  const handleOf = (name: Buffer): Handle => {
    const handle = name.length === 4 ? handles.get(name.readUInt32BE()) : undefined
    if (handle === undefined) throw new PosixError('EINVAL')
    return handle
  }
  const setAttributes = (path: string, { mode: bits, uid: owner, gid: group }: Partial<Attributes>): void => {
    const { uid: current } = files.stat(path)
    if (uid !== 0 && uid !== current) throw new PosixError('EPERM')
    if (owner !== undefined && group !== undefined) {
      if (uid !== 0) throw new PosixError('EPERM')
      files.setOwner(path, owner, group)
    }
    if (bits !== undefined) files.setMode(path, bits & 0o7777)
  }
  const requireFolder = (path: string): void => {
    if (!files.mayAccess(posix.dirname(path), uid, 'write')) throw new PosixError('EACCES')
  }

  sftp.on('OPEN', (id, name, flags, attributes) =>
    answer(id, () => {
      const path = at(name)
      const there = files.exists(path)
      if (there && (flags & mode.EXCL) !== 0) throw new PosixError('EEXIST')
      if (!there && (flags & mode.CREAT) === 0) throw new PosixError('ENOENT')
      if (there && (flags & mode.READ) !== 0 && !files.mayAccess(path, uid, 'read')) throw new PosixError('EACCES')
      if ((flags & mode.WRITE) !== 0 || !there) {
        const bits = (attributes as Partial<Attributes>).mode ?? 0o644
        files.write(path, '', { append: (flags & mode.TRUNC) === 0, mode: bits & 0o7777, uid })
      }
      sftp.handle(id, open({ kind: 'file', path, flags }))
    }),
  )
  sftp.on('READ', (id, name, offset, length) =>
    answer(id, () => {
      const handle = handleOf(name)
      if (handle.kind !== 'file' || (handle.flags & mode.READ) === 0) throw new PosixError('EINVAL')
      const bytes = files.read(handle.path, uid).subarray(offset, offset + Math.min(length, maxReadBytes))
      if (bytes.length === 0) sftp.status(id, status.EOF)
      else sftp.data(id, bytes)
    }),
  )
  sftp.on('WRITE', (id, name, offset, data) =>
    done(id, () => {
      const handle = handleOf(name)
      if (handle.kind !== 'file' || (handle.flags & mode.WRITE) === 0) throw new PosixError('EINVAL')
      const { size } = files.stat(handle.path)
      const from = (handle.flags & mode.APPEND) !== 0 ? size : offset
      if (from + data.length > maxFileBytes) throw new PosixError('ENOSPC')
      if (from === size) return files.write(handle.path, data, { append: true, uid })
      const bytes = Buffer.alloc(Math.max(size, from + data.length))
      files.read(handle.path).copy(bytes)
      data.copy(bytes, from)
      files.write(handle.path, bytes, { uid })
    }),
  )
  sftp.on('CLOSE', (id, name) =>
    done(id, () => {
      handleOf(name)
      handles.delete(name.readUInt32BE())
    }),
  )
  sftp.on('OPENDIR', (id, name) =>
    answer(id, () => {
      const path = at(name)
      if (files.stat(path).kind !== 'directory') throw new PosixError('ENOTDIR')
      if (!files.mayAccess(path, uid, 'read')) throw new PosixError('EACCES')
      sftp.handle(id, open({ kind: 'folder', path, told: false }))
    }),
  )
  sftp.on('READDIR', (id, name) =>
    answer(id, () => {
      const handle = handleOf(name)
      if (handle.kind !== 'folder') throw new PosixError('ENOTDIR')
      if (handle.told) return sftp.status(id, status.EOF)
      handle.told = true
      const entries = files.list(handle.path).map((one) => {
        const found = files.lstat(posix.join(handle.path, one))
        return {
          filename: one,
          longname: `${found.mode.toString(8)} ${found.uid} ${found.gid} ${found.size} ${one}`,
          attrs: attributesOf(found),
        }
      })
      sftp.name(id, entries)
    }),
  )
  sftp.on('STAT', (id, name) => answer(id, () => sftp.attrs(id, attributesOf(files.stat(at(name))))))
  sftp.on('LSTAT', (id, name) => answer(id, () => sftp.attrs(id, attributesOf(files.lstat(at(name))))))
  sftp.on('FSTAT', (id, name) => answer(id, () => sftp.attrs(id, attributesOf(files.stat(handleOf(name).path)))))
  sftp.on('SETSTAT', (id, name, attributes) => done(id, () => setAttributes(at(name), attributes)))
  sftp.on('FSETSTAT', (id, name, attributes) => done(id, () => setAttributes(handleOf(name).path, attributes)))
  sftp.on('REMOVE', (id, name) =>
    done(id, () => {
      if (files.lstat(at(name)).kind === 'directory') throw new PosixError('EISDIR')
      files.remove(at(name), { uid })
    }),
  )
  sftp.on('RMDIR', (id, name) =>
    done(id, () => {
      if (files.lstat(at(name)).kind !== 'directory') throw new PosixError('ENOTDIR')
      files.remove(at(name), { uid })
    }),
  )
  sftp.on('MKDIR', (id, name) => done(id, () => files.makeDirectory(at(name), { uid })))
  sftp.on('RENAME', (id, from, to) =>
    done(id, () => {
      if (files.exists(at(to))) throw new PosixError('EEXIST')
      files.rename(at(from), at(to), uid)
    }),
  )
  sftp.on('READLINK', (id, name) => answer(id, () => tell(id, files.readLink(at(name)))))
  sftp.on('SYMLINK', (id, target, name) =>
    done(id, () => {
      requireFolder(at(name))
      files.symlink(target, at(name))
    }),
  )
  // OpenSSH resolves a path of which the last part is missing too
  sftp.on('REALPATH', (id, name) => answer(id, () => tell(id, files.exists(at(name)) ? files.realPath(at(name)) : at(name))))

  const tell = (id: number, filename: string): void =>
    sftp.name(id, [{ filename, longname: filename, attrs: { mode: 0, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 } }])
}

function attributesOf({ kind, mode: bits, uid, gid, size, modifiedAt }: FileStat): Attributes {
  const seconds = Math.floor(modifiedAt / 1000)
  return { mode: types[kind] | bits, uid, gid, size, atime: seconds, mtime: seconds }
}
