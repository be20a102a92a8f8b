import { readFile } from 'node:fs/promises'

/** Reads a text file of this machine; null when there is none. */
export type ReadText = (path: string) => Promise<string | null>

export const readTextIfPresent: ReadText = async (path) => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw error
  }
}
