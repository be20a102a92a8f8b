import type { ConfigDirective, ConfigOutline, ConfigText, ServiceKind } from '#contract'
import { haproxyOutline } from '../config-outline/haproxy-outline.ts'
import { parseConfigText } from '../config-outline/parse-config-text.ts'
import { parseConfig as parseHaproxy } from '../haproxy/config/tree.ts'
import { viewOf as haproxyView } from '../haproxy/config/view.ts'

export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** A directive with where it stands and what stands around it. */
export interface Placed extends Place {
  /** the file by a name that is the same on both sides */
  readonly fileName: string
  /** heads of the blocks around it, outermost first */
  readonly owner: string
  readonly words: readonly string[]
  /** its own directives with everything below; null for one without a block */
  readonly inside: readonly Placed[] | null
}

/** One side of a comparison: all files of one daemon, and which of their lines a change has spoken for. */
export interface Side {
  readonly outline: ConfigOutline
  /** every directive, depth first */
  readonly all: readonly Placed[]
  /** null when there is none at that place */
  at(place: Place): Placed | null
  cover(directive: Placed | null): void
  isCovered(directive: Placed): boolean
}

export function sideOf(kind: ServiceKind, files: readonly { file: ConfigText; name: string }[]): Side {
  const parsed = files.map(({ file, name }) => ({ file, name, ...parseConfigText(file) }))
  const all = parsed.flatMap(({ file, name, directives }) => flatten(directives, file.path, name, ''))
  const byLine = new Map<string, Placed>()
  for (const each of all) {
    const keys = [lineKey(each), `${lineKey(each)}:${each.column}`]
    for (const key of keys) if (!byLine.has(key)) byLine.set(key, each)
  }
  const covered = new Set<Placed>()
  return {
    outline: outlineOf(
      kind,
      files.map(({ file }) => file),
      parsed.map(({ outline }) => outline),
    ),
    all,
    at: (place) => byLine.get(`${lineKey(place)}:${place.column}`) ?? byLine.get(lineKey(place)) ?? null,
    cover(directive) {
      if (directive === null) return
      covered.add(directive)
      for (const each of directive.inside ?? []) covered.add(each)
    },
    isCovered: (directive) => covered.has(directive),
  }
}

const lineKey = ({ file, line }: Place): string => `${file}:${line}`

/** HAProxy's files are one configuration: a `defaults` section reaches into the files after it. */
function outlineOf(kind: ServiceKind, files: readonly ConfigText[], each: readonly ConfigOutline[]): ConfigOutline {
  const together: ConfigOutline = {
    pools: each.flatMap(({ pools }) => pools),
    listeners: each.flatMap(({ listeners }) => listeners),
    routes: each.flatMap(({ routes }) => routes),
    timeouts: each.flatMap(({ timeouts }) => timeouts),
    virtualRouters: each.flatMap(({ virtualRouters }) => virtualRouters),
    scripts: each.flatMap(({ scripts }) => scripts),
  }
  if (kind !== 'haproxy') return together
  const trees = files.map(({ path, text }) => ({ path, tree: parseHaproxy(text) }))
  return { ...together, ...haproxyOutline(haproxyView(trees)) }
}

function flatten(directives: readonly ConfigDirective[], file: string, fileName: string, owner: string): Placed[] {
  return directives.flatMap((directive) => {
    const { words, line, column, block } = directive
    const below = owner === '' ? headOf(directive) : `${owner} › ${headOf(directive)}`
    const inside = block === null ? null : flatten(block, file, fileName, below)
    return [{ file, fileName, line, column, owner, words, inside }, ...(inside ?? [])]
  })
}

/** nginx's virtual servers have no name of their own: they are known by `server_name`, else by `listen`. */
function headOf({ words, block }: ConfigDirective): string {
  if (words.length > 1 || words[0] !== 'server' || block === null) return words.join(' ')
  const named = ['server_name', 'listen'].map((keyword) => block.find((each) => each.words[0] === keyword))
  return ['server', ...(named.find((each) => each !== undefined)?.words.slice(1) ?? [])].join(' ')
}
