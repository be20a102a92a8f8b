/*
 * What a configuration means, on top of its lines: proxies with what they inherit from `defaults`, their binds, servers, conditions and
 * routes. Every part knows the file and line it stands on, so that a finding can point there and an edit can change just that.
 * Read as HAProxy 2.6 does (configuration manual 4.1): a proxy takes the `defaults` named after `from`, else the last one before it.
 */
import type { ConfigLine, LineTree } from '../../config-text/line-tree.ts'
import { sectionsOf, type Section } from './tree.ts'
import { serverOptionsFrom, type ServerOption } from './server-options.ts'

export interface ConfigFile {
  readonly path: string
  readonly tree: LineTree
}

export interface Place {
  readonly file: string
  /** 1-based */
  readonly line: number
}

/** A keyword line as it stands: `timeout server 30s` is `{ keyword: 'timeout server', values: ['30s'] }`. */
export interface Setting extends Place {
  readonly keyword: string
  readonly values: readonly string[]
  /** the `defaults` section's, not the proxy's own */
  readonly inherited: boolean
}

export interface BindView extends Place {
  /** as written, comma-separated addresses apart: `:443`, `10.0.0.1:80`, `unix@/run/x` */
  readonly addresses: readonly string[]
  readonly options: readonly string[]
}

export interface ConfiguredServer extends Place {
  readonly name: string
  /** as written: `10.0.0.1:80`, `unix@/run/x`, `app.example:8080` */
  readonly address: string
  /** a `server-template` makes this many */
  readonly count: number
  /** its own, then those of `default-server` that it does not set itself */
  readonly options: ReadonlyMap<string, ServerOption & { inherited: boolean }>
  readonly unknownOptions: readonly string[]
}

export interface ProxyView extends Place {
  readonly kind: 'frontend' | 'backend' | 'listen'
  readonly name: string
  readonly binds: readonly BindView[]
  readonly servers: readonly ConfiguredServer[]
  /** of every `default-server` that applies; of one that is given twice the nearest */
  readonly serverDefaults: ReadonlyMap<string, ServerOption>
  readonly acls: readonly (Place & { name: string; condition: string })[]
  /** `use_backend` in order, then `default_backend` with a null condition; the target may be a log-format expression */
  readonly routes: readonly (Place & { backend: string; condition: string | null })[]
  /** every other line, own before inherited, in the order of the files */
  readonly settings: readonly Setting[]
}

export interface HaproxyView {
  readonly global: readonly Setting[]
  readonly proxies: readonly ProxyView[]
}

const proxyKinds = ['frontend', 'backend', 'listen'] as const
/** keywords whose second word says which of several it is */
const twoWords = new Set(['timeout', 'option', 'no', 'stats', 'http-check', 'tcp-check', 'hash-type', 'stick'])

interface PlacedSection extends Section {
  file: string
}

/** The value of a keyword that applies to the proxy: its own last one, else the inherited last one. */
export function settingOf(proxy: { settings: readonly Setting[] }, keyword: string): Setting | null {
  const own = proxy.settings.filter((setting) => setting.keyword === keyword && !setting.inherited)
  const inherited = proxy.settings.filter((setting) => setting.keyword === keyword && setting.inherited)
  return own.at(-1) ?? inherited.at(-1) ?? null
}

/** `files` in the order HAProxy reads them. */
export function viewOf(files: readonly ConfigFile[]): HaproxyView {
  const sections = files.flatMap(({ path, tree }) => sectionsOf(tree).map((section) => ({ ...section, file: path })))
  const proxies: ProxyView[] = []
  const named = new Map<string, PlacedSection>()
  let last: PlacedSection | null = null
  for (const section of sections) {
    if (section.kind === 'defaults') {
      last = section
      if (section.name !== null && section.name !== 'from') named.set(section.name, section)
    }
    const kind = proxyKinds.find((each) => each === section.kind)
    if (kind !== undefined) proxies.push(proxyOf(kind, section, ancestorsOf(section, last, named)))
  }
  return {
    global: sections.flatMap((section) => (section.kind === 'global' ? settingsOf(section, false) : [])),
    proxies,
  }
}

/** The `defaults` sections that apply, nearest first. A circle, which HAProxy refuses, ends where it closes. */
function ancestorsOf(
  section: PlacedSection,
  last: PlacedSection | null,
  named: ReadonlyMap<string, PlacedSection>,
): PlacedSection[] {
  const chain: PlacedSection[] = []
  const parent = (of: PlacedSection): PlacedSection | null => {
    const words = of.head?.words.map(({ value }) => value) ?? []
    const at = words.indexOf('from', 1)
    if (at > 0) return named.get(words[at + 1] ?? '') ?? null
    return of.kind === 'defaults' ? null : last
  }
  for (let next = parent(section); next !== null && !chain.includes(next); next = parent(next)) chain.push(next)
  return chain
}

function proxyOf(kind: ProxyView['kind'], section: PlacedSection, ancestors: readonly PlacedSection[]): ProxyView {
  const settings = [settingsOf(section, false), ...ancestors.map((each) => settingsOf(each, true))].flat()
  const defaultServer = [...ancestors].reverse().concat(section).flatMap(defaultServerOptions)
  const lines = section.lines.flatMap((line) =>
    line.words.length === 0 ? [] : [{ line, words: line.words.map(({ value }) => value) }],
  )
  const routes = lines.flatMap(({ line, words }) =>
    words[0] === 'use_backend'
      ? [{ ...placeOf(section, line), backend: words[1] ?? '', condition: words.slice(2).join(' ') || null }]
      : [],
  )
  const fallback = settingOf({ settings }, 'default_backend')
  return {
    kind,
    name: section.name ?? '',
    file: section.file,
    line: section.head?.number ?? 0,
    binds: lines.flatMap(({ line, words }) =>
      words[0] === 'bind'
        ? [{ ...placeOf(section, line), addresses: (words[1] ?? '').split(','), options: words.slice(2) }]
        : [],
    ),
    servers: lines.flatMap(({ line }) => serverOf(section, line, defaultServer) ?? []),
    serverDefaults: new Map(defaultServer.map((option) => [option.name, option])),
    acls: lines.flatMap(({ line, words }) =>
      words[0] === 'acl' ? [{ ...placeOf(section, line), name: words[1] ?? '', condition: words.slice(2).join(' ') }] : [],
    ),
    routes: [
      ...routes,
      ...(fallback === null
        ? []
        : [{ file: fallback.file, line: fallback.line, backend: fallback.values[0] ?? '', condition: null }]),
    ],
    settings,
  }
}

const parts = new Set(['bind', 'server', 'server-template', 'default-server', 'acl', 'use_backend'])

function settingsOf(section: PlacedSection, inherited: boolean): Setting[] {
  return section.lines.flatMap((line) => {
    const words = line.words.map(({ value }) => value)
    const first = words[0]
    if (first === undefined || parts.has(first) || first.startsWith('.')) return []
    const length = twoWords.has(first) && words.length > 1 ? 2 : 1
    const keyword = words.slice(0, length).join(' ')
    return [{ ...placeOf(section, line), keyword, values: words.slice(length), inherited }]
  })
}

function defaultServerOptions(section: PlacedSection): ServerOption[] {
  return section.lines.flatMap(({ words }) => (words[0]?.value === 'default-server' ? serverOptionsFrom(words, 1).options : []))
}

function serverOf(section: PlacedSection, line: ConfigLine, inherited: readonly ServerOption[]): ConfiguredServer | null {
  const words = line.words.map(({ value }) => value)
  const template = words[0] === 'server-template'
  if (words[0] !== 'server' && !template) return null
  const { options, unknown } = serverOptionsFrom(line.words, template ? 4 : 3)
  return {
    ...placeOf(section, line),
    name: words[1] ?? '',
    address: words[template ? 3 : 2] ?? '',
    // `server-template web 1-10 host:80` or `10`
    count: template ? templateCount(words[2] ?? '') : 1,
    options: new Map<string, ServerOption & { inherited: boolean }>([
      ...inherited.map((option): [string, ServerOption & { inherited: boolean }] => [
        option.name,
        { ...option, inherited: true },
      ]),
      ...options.map((option): [string, ServerOption & { inherited: boolean }] => [
        option.name,
        { ...option, inherited: false },
      ]),
    ]),
    unknownOptions: unknown.map(({ name }) => name),
  }
}

function templateCount(text: string): number {
  const [from = '', to] = text.split('-')
  const count = to === undefined ? Number(from) : Number(to) - Number(from) + 1
  return Number.isInteger(count) && count > 0 ? count : 0
}

const placeOf = ({ file }: PlacedSection, { number }: ConfigLine): Place => ({ file, line: number })
