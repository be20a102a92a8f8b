import { closeSync, fsyncSync, linkSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { randomUUID } from 'node:crypto'

/**
 * Creates a file of mode 0600 that is complete from the moment it has its name, and never replaces one: of two processes the
 * first wins. Returns false when the name was taken.
 */
export function createNewFile(file: string, content: string): boolean {
  const unnamed = `${file}.${randomUUID()}`
  const descriptor = openSync(unnamed, 'wx', 0o600)
  try {
    writeSync(descriptor, content)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  try {
    linkSync(unnamed, file)
    return true
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw thrown
  } finally {
    unlinkSync(unnamed)
  }
}

/** What is wrong with a secret file of this mode, null when nothing. Windows has no such bits: there the folder’s ACL decides. */
export function whyNotPrivate(file: string, mode: number): string | null {
  if (process.platform === 'win32' || (mode & 0o077) === 0) return null
  return `${file} can be used by others (mode ${(mode & 0o777).toString(8)}); run: chmod 600 ${file}`
}
