import type { FileTree, Program, Programs } from './machine.ts'

/** Where init, and a shell that was told nothing else, look for programs. */
export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** A program is the file at its path: renamed away, removed or without an x bit, it is not found. */
export function createPrograms(files: FileTree): Programs {
  /** by the file's inode, so that links to it and /proc/PID/exe lead there too */
  const programs = new Map<number, Program>()

  function at(path: string): { path: string; program: Program } | null {
    if (!files.exists(path)) return null
    const stat = files.stat(path)
    const program = programs.get(stat.inode)
    return program === undefined || (stat.mode & 0o111) === 0 ? null : { path, program }
  }

  return {
    install(path, program) {
      files.makeDirectory(path.slice(0, path.lastIndexOf('/')), { parents: true })
      files.write(path, '\x7fELF')
      files.setMode(path, 0o755)
      programs.set(files.stat(path).inode, program)
    },

    remove(path) {
      programs.delete(files.stat(path).inode)
      files.remove(path)
    },

    find(name, searchPath = defaultPath) {
      if (name.includes('/')) return at(name)
      for (const folder of searchPath.split(':')) {
        const found = at(`${folder}/${name}`)
        if (found !== null) return found
      }
      return null
    },
  }
}
