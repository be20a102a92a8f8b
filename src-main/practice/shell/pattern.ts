import type { FileTree } from '../machine/machine.ts'

/** Text of which some characters mean themselves although they look like a pattern. */
export interface PatternPart {
  text: string
  quoted: boolean
}

export const isPattern = (parts: readonly PatternPart[]): boolean =>
  parts.some(({ text, quoted }) => !quoted && /[*?[]/.test(text))

/** A shell pattern (XCU 2.14) as the source of a regular expression without anchors. `any` is what `?` matches, `star` what `*` does. */
export function patternSource(parts: readonly PatternPart[], any = '[^]', star = '*'): string {
  let source = ''
  for (const { text, quoted } of parts) {
    for (let at = 0; at < text.length; at += 1) {
      const char = text[at] ?? ''
      const bracket = !quoted && char === '[' ? bracketSource(text, at) : null
      if (bracket !== null) {
        source += bracket.source
        at = bracket.end
      } else if (!quoted && char === '*') source += `${any}${star}`
      else if (!quoted && char === '?') source += any
      else source += char.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&')
    }
  }
  return source
}

const classes: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  digit: '0-9',
  lower: 'a-z',
  upper: 'A-Z',
  space: '\\s',
  blank: ' \\t',
  xdigit: '0-9A-Fa-f',
  punct: '!-\\/:-@\\[-`{-~',
}

function bracketSource(text: string, at: number): { source: string; end: number } | null {
  const found = /^\[([!^]?)(\]?(?:\[:[a-z]+:\]|[^\]])*)\]/.exec(text.slice(at))
  if (found === null) return null
  const [all, negation = '', body = ''] = found
  const inside = body.replace(/\[:([a-z]+):\]|[\\\]^[]/g, (special, name?: string) =>
    name === undefined ? `\\${special}` : (classes[name] ?? ''),
  )
  return { source: `[${negation === '' ? '' : '^'}${inside}]`, end: at + all.length - 1 }
}

/** Pathnames that match, sorted; empty when none does. Relative ones are looked for below `cwd`. */
export function matchPaths(files: FileTree, cwd: string, parts: readonly PatternPart[]): string[] {
  const components = splitPath(parts)
  const absolute = components[0]?.length === 0
  let found = [absolute ? '/' : '']
  for (const component of components) {
    if (component.length === 0) continue
    found = found.flatMap((parent) => matchIn(files, cwd, parent, component))
  }
  return found.sort((one, other) => (one < other ? -1 : 1))
}

function splitPath(parts: readonly PatternPart[]): PatternPart[][] {
  const components: PatternPart[][] = [[]]
  for (const { text, quoted } of parts) {
    text.split('/').forEach((piece, index) => {
      if (index > 0) components.push([])
      if (piece !== '') components.at(-1)?.push({ text: piece, quoted })
    })
  }
  return components
}

function matchIn(files: FileTree, cwd: string, parent: string, component: readonly PatternPart[]): string[] {
  const base = parent === '' || parent.endsWith('/') ? parent : `${parent}/`
  const folder = base.startsWith('/') ? base : `${cwd}/${base}`
  const literal = component.map(({ text }) => text).join('')
  if (!isPattern(component)) return exists(files, `${folder}${literal}`) ? [`${base}${literal}`] : []
  const wanted = new RegExp(`^(?:${patternSource(component, '[^/]')})$`)
  try {
    return files.list(folder).flatMap((name) => {
      return wanted.test(name) && (!name.startsWith('.') || literal.startsWith('.')) ? [`${base}${name}`] : []
    })
  } catch {
    return []
  }
}

function exists(files: FileTree, path: string): boolean {
  try {
    files.lstat(path)
    return true
  } catch {
    return false
  }
}
