import type { DumpedFile } from './split-config-dump.ts'
import { parseTree, type TreeDirective } from './config-tree.ts'
import type { ConfigProblem } from './tokenize-config.ts'

/** One directive with the place where it stands. `block` is null for a directive that ends with `;`. */
export interface Directive {
  name: string
  args: string[]
  file: string
  line: number
  block: Directive[] | null
}

export interface ParsedConfig {
  /** the main file's directives, every `include` replaced by what it brought */
  directives: Directive[]
  /** collected, not thrown: a file that nginx itself loaded is worth reading even where this parser stumbles */
  problems: ConfigProblem[]
}

/** An include that includes itself is refused by nginx only when file descriptors run out. */
const maxIncludeDepth = 32

/** Parses the files of one configuration; the first one is the main file, as in `nginx -T`. */
export function parseConfig(files: readonly DumpedFile[]): ParsedConfig {
  const main = files[0]
  if (main === undefined) return { directives: [], problems: [] }
  const problems: ConfigProblem[] = []
  const prefix = main.path.slice(0, main.path.lastIndexOf('/') + 1)
  const parsed = new Map(files.map((file) => [file.path, parseFile(file, problems)]))

  const expand = (directives: readonly Directive[], depth: number): Directive[] =>
    directives.flatMap((directive) => {
      if (directive.name === 'include' && directive.args[0] !== undefined) return included(directive, directive.args[0], depth)
      return [directive.block === null ? directive : { ...directive, block: expand(directive.block, depth) }]
    })
  const included = (directive: Directive, argument: string, depth: number): Directive[] => {
    const place = { file: directive.file, line: directive.line }
    if (depth >= maxIncludeDepth) {
      problems.push({ ...place, message: `includes are nested more than ${maxIncludeDepth} deep` })
      return []
    }
    const matches = globMatcher(argument.startsWith('/') ? argument : prefix + argument)
    const paths = [...parsed.keys()].filter(matches).sort()
    if (paths.length === 0 && !/[*?[]/.test(argument))
      problems.push({ ...place, message: `included file ${argument} is missing` })
    return paths.flatMap((path) => expand(parsed.get(path) ?? [], depth + 1))
  }
  return { directives: expand(parsed.get(main.path) ?? [], 0), problems }
}

function parseFile(file: DumpedFile, problems: ConfigProblem[]): Directive[] {
  const tree = parseTree(file.path, file.text)
  problems.push(...tree.problems)
  return tree.directives.map((directive) => plainDirective(file.path, directive))
}

function plainDirective(file: string, { words, block }: TreeDirective): Directive {
  const [name, ...args] = words
  return {
    name: name.text,
    args: args.map(({ text }) => text),
    file,
    line: name.line,
    block: block?.map((each) => plainDirective(file, each)) ?? null,
  }
}

/** glob(3) as nginx calls it: `*` and `?` stay within one path segment and skip leading dots. */
export function globMatcher(pattern: string): (path: string) => boolean {
  let source = ''
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern.charAt(at)
    const atSegmentStart = at === 0 || pattern.charAt(at - 1) === '/'
    const close = char === '[' ? pattern.indexOf(']', at + 2) : -1
    if (char === '*') source += `${atSegmentStart ? '(?!\\.)' : ''}[^/]*`
    else if (char === '?') source += '[^/]'
    else if (close > 0) {
      const set = pattern.slice(at + 1, close).replace(/[\\\]]/g, '\\$&')
      source += `[${set.replace(/^!/, '^')}]`
      at = close
    } else source += char.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
  }
  const regex = new RegExp(`^${source}$`)
  return (path) => regex.test(path)
}
