import { matchesGlob } from 'node:path'
import { PosixError } from '../../machine/machine.ts'
import type { Reading } from './statement.ts'

/** The files that an `include` names, in their order. A plain path is one whether it exists or not; a pattern may match nothing. */
export function includedPaths(written: string, { machine: { files }, folder }: Reading): string[] {
  const full = written.startsWith('/') ? written : folder + written
  if (!/[*?[]/.test(full)) return [full]
  let found = ['']
  for (const part of full.split('/').slice(1)) {
    found = found.flatMap((parent) => {
      if (!/[*?[]/.test(part)) return files.exists(`${parent}/${part}`) ? [`${parent}/${part}`] : []
      return namesIn(parent === '' ? '/' : parent)
        .filter((name) => matchesGlob(name, part) && name.startsWith('.') === part.startsWith('.'))
        .map((name) => `${parent}/${name}`)
    })
  }
  return found.sort()

  function namesIn(path: string): string[] {
    try {
      return files.list(path)
    } catch (thrown) {
      if (thrown instanceof PosixError) return []
      throw thrown
    }
  }
}
