/*
 * Reading ssh_config(5) files into a flat list of directives, `Include` followed.
 *
 * The package `ssh-config` splits a line into words (quotes, escapes, comments). It is given one line at a time, so that every
 * directive and every error has its `file:line`, and its `compute()` is never called: that would run `Match exec` commands through a
 * shell and start nslookup.
 */
import { glob } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'ssh-config'
import { AppError } from '../../app/app-error.ts'
import type { ReadText } from './text-file.ts'

export interface ConfigLine {
  /** lower case */
  keyword: string
  words: string[]
  /** `file:line` */
  source: string
  /** the Host and Match lines that must all hold for this one to count; an included file inherits those around its Include */
  conditions: readonly ConfigLine[]
}

/** OpenSSH 9.2 stops at 16 nested includes (readconf.c, READCONF_MAX_DEPTH). */
const maxIncludeDepth = 16
const maxFiles = 256

export interface ConfigRoot {
  file: string
  /** the directory that a relative Include is resolved in: `~/.ssh` or `/etc/ssh` */
  includeDir: string
}

/** A missing file is empty. Throws `ssh.config-invalid` naming file and line. */
export async function readConfigLines(root: ConfigRoot, places: { home: string; readFile: ReadText }): Promise<ConfigLine[]> {
  const lines: ConfigLine[] = []
  let files = 0

  const readInto = async (file: string, outer: readonly ConfigLine[], depth: number): Promise<void> => {
    files += 1
    if (files > maxFiles)
      throw invalid(file, `more than ${maxFiles} files are included; look for an Include that includes itself`)
    const text = await places.readFile(file)
    if (text === null) return
    let section: ConfigLine | null = null
    for (const [index, raw] of text.split(/\r?\n/).entries()) {
      const source = `${file}:${index + 1}`
      const line = lineFrom(raw, source)
      if (line === null) continue
      if (line.keyword === 'host' || line.keyword === 'match') {
        section = { ...line, conditions: outer }
        lines.push(section)
        continue
      }
      const conditions = section === null ? outer : [...outer, section]
      if (line.keyword !== 'include') {
        lines.push({ ...line, conditions })
        continue
      }
      if (depth === maxIncludeDepth) throw invalid(source, `Include is nested more than ${maxIncludeDepth} deep`)
      for (const pattern of line.words) {
        for (const included of await filesFor(pattern, root.includeDir, places.home)) {
          await readInto(included, conditions, depth + 1)
        }
      }
    }
  }

  await readInto(root.file, [], 0)
  return lines
}

function lineFrom(raw: string, source: string): Omit<ConfigLine, 'conditions'> | null {
  const text = raw.trim()
  if (text === '' || text.startsWith('#')) return null
  try {
    const directive = parse(text)[0]
    if (directive === undefined || !('param' in directive)) return null
    const { value } = directive
    const words = typeof value === 'string' ? [value] : value.map((word) => word.val)
    if (words.length === 0 || words[0] === '') throw new Error(`${directive.param} has no value`)
    return { keyword: directive.param.toLowerCase(), words, source }
  } catch (error) {
    throw invalid(source, error instanceof Error ? error.message : String(error), error)
  }
}

async function filesFor(pattern: string, includeDir: string, home: string): Promise<string[]> {
  const absolute = path.resolve(includeDir, expandHome(pattern, home))
  if (!/[*?[]/.test(absolute)) return [absolute]
  const found: string[] = []
  for await (const file of glob(absolute)) found.push(file)
  return found.sort()
}

/** `~` and `~/…`; other accounts' homes (`~bob/…`) are left as they are. */
export function expandHome(file: string, home: string): string {
  return file === '~' ? home : /^~[/\\]/.test(file) ? path.join(home, file.slice(2)) : file
}

export function invalid(source: string, why: string, cause?: unknown): AppError {
  return new AppError('ssh.config-invalid', `The SSH configuration is wrong at ${source}: ${why}.`, {
    details: { source },
    cause,
  })
}
