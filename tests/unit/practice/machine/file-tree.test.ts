import { beforeEach, describe, expect, it } from 'vitest'

import type { FileTree } from '../../../../src-main/practice/machine/machine.ts'
import { settled, type ManualClock } from '../manual-clock.ts'
import { aMachine } from './a-machine.ts'

const operator = 1000
const other = 1001

describe('the file tree', () => {
  let files: FileTree
  let clock: ManualClock

  beforeEach(async () => {
    const made = await aMachine()
    clock = made.clock
    files = made.machine.files
    files.write('/etc/passwd', 'operator:x:1000:1000::/home/operator:/bin/bash\n', { append: true })
    files.write('/etc/group', 'operator:x:1000:\nballast:x:1500:backup,operator\n', { append: true })
    files.makeDirectory('/work')
  })

  const text = (path: string, uid?: number): string => files.read(path, uid).toString()

  it('keeps owner and mode of what it overwrites, and counts time', async () => {
    files.setMode('/work', 0o777)
    files.write('/work/a', 'one', { mode: 0o640, uid: operator })
    await clock.advance(5000)
    files.write('/work/a', 'twice', { mode: 0o777 })
    expect(files.stat('/work/a')).toMatchObject({ mode: 0o640, uid: operator, gid: operator, size: 5, modifiedAt: clock.now() })
    files.write('/work/a', ' more', { append: true })
    expect(text('/work/a')).toBe('twice more')
    expect(files.stat('/work/a').size).toBe(10)
  })

  it('does not share its bytes with who wrote or read them', () => {
    const bytes = Buffer.from('abc')
    files.write('/work/a', bytes)
    bytes.fill('x')
    files.read('/work/a').fill('y')
    expect(text('/work/a')).toBe('abc')
  })

  it('renames over a file in one step, and the inode moves with the name', () => {
    files.write('/work/live', 'old')
    files.write('/work/next', 'new')
    const { inode } = files.stat('/work/next')
    files.rename('/work/next', '/work/live')
    expect(text('/work/live')).toBe('new')
    expect(files.stat('/work/live').inode).toBe(inode)
    expect(files.exists('/work/next')).toBe(false)
  })

  it('refuses the renames that rename(2) refuses', () => {
    files.makeDirectory('/work/full/below', { parents: true })
    files.makeDirectory('/work/empty')
    files.write('/work/file', '')
    const refuses = (from: string, to: string, why: string) => expect(() => files.rename(from, to)).toThrow(why)
    refuses('/work/none', '/work/x', 'No such file or directory')
    refuses('/work/file', '/work/empty', 'Is a directory')
    refuses('/work/empty', '/work/file', 'Not a directory')
    refuses('/work/empty', '/work/full', 'Directory not empty')
    refuses('/work/full', '/work/full/below/x', 'Invalid argument')
    files.rename('/work/full', '/work/empty')
    expect(files.list('/work/empty')).toEqual(['below'])
  })

  it('keeps a linked file until its last name is gone', () => {
    files.write('/work/a', 'kept')
    files.link('/work/a', '/work/b')
    files.remove('/work/a')
    expect(text('/work/b')).toBe('kept')
    expect(() => files.link('/work/b', '/work/b')).toThrow('File exists')
  })

  it('follows symlinks, to a limit', () => {
    files.makeDirectory('/work/real')
    files.symlink('real', '/work/short')
    files.write('/work/short/file', 'there')
    files.symlink('../work/short/file', '/work/long')
    expect(text('/work/long')).toBe('there')
    expect(files.realPath('/work/long')).toBe('/work/real/file')
    expect(files.lstat('/work/long')).toMatchObject({ kind: 'symlink', size: 18 })
    expect(files.readLink('/work/long')).toBe('../work/short/file')
    files.symlink('/work/loop', '/work/loop')
    expect(() => files.read('/work/loop')).toThrow('Too many levels of symbolic links')
    files.symlink('/work/not-yet', '/work/dangling')
    expect(files.exists('/work/dangling')).toBe(false)
    files.write('/work/dangling', 'made')
    expect(text('/work/not-yet')).toBe('made')
    files.remove('/work/short')
    expect(files.exists('/work/real/file')).toBe(true)
    expect(files.exists('/bin')).toBe(true)
    expect(files.realPath('/var/run/../run')).toBe('/run')
  })

  it('says what is wrong with a path', () => {
    files.write('/work/file', '')
    expect(() => files.read('/work/none')).toThrow('No such file or directory')
    expect(() => files.write('/none/file', '')).toThrow('No such file or directory')
    expect(() => files.read('/work/file/below')).toThrow('Not a directory')
    expect(() => files.read('/work')).toThrow('Is a directory')
    expect(() => files.write('/work', '')).toThrow('Is a directory')
    expect(() => files.list('/work/file')).toThrow('Not a directory')
    expect(() => files.makeDirectory('/work')).toThrow('File exists')
    expect(() => files.makeDirectory('/work/file', { parents: true })).toThrow('File exists')
    expect(() => files.remove('/')).toThrow('Operation not permitted')
    expect(() => files.remove('/work')).toThrow('Directory not empty')
    files.remove('/work', { recursive: true })
    expect(files.exists('/work')).toBe(false)
  })

  it('checks the first class of the mode that fits', () => {
    files.write('/work/mine', 'x', { uid: 0, mode: 0o640 })
    expect(() => files.read('/work/mine', operator)).toThrow('Permission denied')
    files.setOwner('/work/mine', 0, 1500)
    expect(text('/work/mine', operator)).toBe('x')
    expect(() => files.write('/work/mine', 'y', { uid: operator })).toThrow('Permission denied')
    expect(files.mayAccess('/work/mine', other, 'read')).toBe(false)
    // Its owner is denied although others are not.
    files.setOwner('/work/mine', operator, 0)
    files.setMode('/work/mine', 0o044)
    expect(files.mayAccess('/work/mine', operator, 'read')).toBe(false)
    expect(files.mayAccess('/work/mine', other, 'read')).toBe(true)
    expect(files.mayAccess('/work/mine', 0, 'write')).toBe(true)
    expect(files.mayAccess('/work/mine', 0, 'execute')).toBe(false)
  })

  it('guards directories: to enter, to list, to change', () => {
    files.makeDirectory('/work/closed', { mode: 0o700 })
    files.write('/work/closed/file', 'x')
    expect(() => files.stat('/work/closed/file', operator)).toThrow('Permission denied')
    expect(() => files.list('/work/closed', operator)).toThrow('Permission denied')
    files.setMode('/work/closed', 0o711)
    expect(text('/work/closed/file', operator)).toBe('x')
    expect(() => files.remove('/work/closed/file', { uid: operator })).toThrow('Permission denied')
    expect(() => files.rename('/work/closed/file', '/tmp/file', operator)).toThrow('Permission denied')
    expect(() => files.setMode('/work/closed/file', 0o777, operator)).toThrow('Operation not permitted')
    files.write('/tmp/theirs', '', { uid: other })
    expect(() => files.remove('/tmp/theirs', { uid: operator })).toThrow('Operation not permitted')
    files.remove('/tmp/theirs', { uid: other })
  })

  it('leaves an empty file when the disk is full, as the real one does; /run has a disk of its own', () => {
    files.write('/work/a', 'before')
    files.setFault('full')
    expect(() => files.write('/work/a', 'after')).toThrow('No space left on device')
    expect(files.stat('/work/a').size).toBe(0)
    expect(() => files.makeDirectory('/work/new')).toThrow('No space left on device')
    files.write('/run/daemon.pid', '1')
    files.rename('/work/a', '/work/b')
    files.setFault(null)
    files.write('/work/b', 'after')
    expect(text('/work/b')).toBe('after')
  })

  it('changes nothing on a read-only disk', () => {
    files.write('/work/a', 'before')
    files.setFault('read-only')
    for (const change of [
      () => files.write('/work/a', 'after'),
      () => files.write('/work/b', 'new'),
      () => files.remove('/work/a'),
      () => files.rename('/work/a', '/work/b'),
      () => files.setMode('/work/a', 0),
    ]) {
      expect(change).toThrow('Read-only file system')
    }
    expect(text('/work/a')).toBe('before')
    expect(() => files.write('/proc/uptime', 'x')).toThrow('Operation not permitted')
  })

  it('tells watchers of a write, a replacement and a removal, until they end', async () => {
    let changes = 0
    const end = files.watch('/var/run/track', () => (changes += 1))
    const after = async (change: () => void): Promise<number> => {
      changes = 0
      change()
      expect(changes).toBe(0)
      await settled()
      return changes
    }
    expect(await after(() => files.write('/run/track', '1'))).toBe(1)
    expect(await after(() => files.write('/run/track', '2'))).toBe(1)
    files.write('/run/track.new', '3')
    expect(await after(() => files.rename('/run/track.new', '/run/track'))).toBe(1)
    expect(await after(() => files.write('/run/other', ''))).toBe(0)
    expect(await after(() => files.remove('/run/track'))).toBe(1)
    end()
    expect(await after(() => files.write('/run/track', '4'))).toBe(0)
  })

  it('appends to a log without copying it each time', () => {
    const line = 'x'.repeat(100)
    for (let count = 0; count < 20_000; count += 1) files.write('/work/log', line, { append: true })
    expect(files.stat('/work/log').size).toBe(2_000_000)
    expect(files.read('/work/log').length).toBe(2_000_000)
  })
})
