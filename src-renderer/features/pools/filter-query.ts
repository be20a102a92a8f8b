import type { ServerState } from '#contract'
import { stateOrder } from '../../words/state-order.ts'

/**
 * The query language of the filter bar: `state:down site:tyo pool:api node:lb1 kind:nginx web*`.
 *
 * Words are separated by blanks; `"…"` keeps blanks together. `key:a,b` means a or b; the same key twice means either;
 * different keys must all hold. A leading `-` turns a word round. `*` and `?` are wildcards. A word without a key is looked
 * for in the server's name, address and pool. A word that cannot be understood is reported and filters nothing.
 */
export const filterKeys = ['state', 'name', 'address', 'pool', 'pair', 'site', 'node', 'kind', 'drain', 'is'] as const
export type FilterKey = (typeof filterKeys)[number]

export const filterTraits = ['stale', 'disagrees', 'backup'] as const
export type FilterTrait = (typeof filterTraits)[number]

const kinds = ['haproxy', 'nginx'] as const

/** What a row is matched against: everything already in the operator's words, several values where there are several. */
export interface FilterFacts {
  readonly name: string
  readonly address: string
  readonly state: ServerState
  readonly pool: string
  readonly pair: readonly string[]
  readonly site: readonly string[]
  readonly nodes: readonly string[]
  readonly kind: string
  /** of the drain that keeps it out: `open`, its state, its owner and its reason; empty when none does */
  readonly drain: readonly string[]
  readonly traits: readonly FilterTrait[]
}

export interface FilterTerm {
  /** as it was typed; chips show this */
  readonly source: string
  readonly key: FilterKey | 'text'
  readonly values: readonly string[]
  readonly negated: boolean
}

export type FilterError =
  | { readonly kind: 'unknown-key'; readonly source: string; readonly key: string }
  | { readonly kind: 'unknown-value'; readonly source: string; readonly key: FilterKey; readonly value: string }
  | { readonly kind: 'no-value'; readonly source: string; readonly key: FilterKey }
  | { readonly kind: 'open-quote'; readonly source: string }

export interface FilterQuery {
  readonly terms: readonly FilterTerm[]
  readonly errors: readonly FilterError[]
}

/** Values a key is limited to; the other keys take any name. */
export const closedValues: { readonly [K in FilterKey]?: readonly string[] } = {
  state: stateOrder,
  kind: kinds,
  is: filterTraits,
}

interface Word {
  readonly source: string
  /** the word with its quotes taken away */
  readonly text: string
  /** where a `:` outside quotes first stands in `text`, or -1 */
  readonly colon: number
  readonly closed: boolean
}

function splitWords(input: string): Word[] {
  const words: Word[] = []
  let source = ''
  let text = ''
  let colon = -1
  let quoted = false
  const finish = () => {
    if (source !== '') words.push({ source, text, colon, closed: !quoted })
    source = ''
    text = ''
    colon = -1
  }
  for (const char of input) {
    if (!quoted && /\s/.test(char)) {
      finish()
      continue
    }
    source += char
    if (char === '"') quoted = !quoted
    else {
      if (char === ':' && !quoted && colon < 0) colon = text.length
      text += char
    }
  }
  finish()
  return words
}

function isFilterKey(key: string): key is FilterKey {
  return (filterKeys as readonly string[]).includes(key)
}

/** `app:8080` and `dead:beef::1` are addresses, not unknown keys. */
function looksLikeAddress(value: string): boolean {
  return /^\d+$/.test(value) || value.includes(':')
}

function readWord(word: Word): FilterTerm | FilterError {
  const { source } = word
  if (!word.closed) return { kind: 'open-quote', source }
  const negated = word.text.length > 1 && word.text.startsWith('-')
  const start = negated ? 1 : 0
  const key = word.colon < 0 ? '' : word.text.slice(start, word.colon).toLowerCase()
  const rest = word.text.slice(word.colon + 1)
  if (isFilterKey(key)) {
    const values = rest.split(',').filter((value) => value !== '')
    if (values.length === 0) return { kind: 'no-value', source, key }
    const allowed = closedValues[key]
    const stranger = allowed && values.find((value) => !allowed.includes(value.toLowerCase()))
    if (stranger !== undefined) return { kind: 'unknown-value', source, key, value: stranger }
    return { source, key, values, negated }
  }
  if (/^[a-z]+$/.test(key) && !looksLikeAddress(rest)) return { kind: 'unknown-key', source, key }
  return { source, key: 'text', values: [word.text.slice(start)], negated }
}

export function parseFilter(input: string): FilterQuery {
  const terms: FilterTerm[] = []
  const errors: FilterError[] = []
  for (const word of splitWords(input)) {
    const read = readWord(word)
    if ('kind' in read) errors.push(read)
    else terms.push(read)
  }
  return { terms, errors }
}

/** The query that finds exactly this pool. */
export function queryFor(pool: { name: string; kind: string; pair: string | null; nodes: readonly string[] }): string {
  const word = (key: FilterKey, value: string) =>
    /[\s",:]/.test(value) ? `${key}:"${value.replaceAll(/[",]/g, '?')}"` : `${key}:${value}`
  const [node] = pool.nodes
  const place = pool.pair !== null ? [word('pair', pool.pair)] : node === undefined ? [] : [word('node', node)]
  return [word('pool', pool.name), word('kind', pool.kind), ...place].join(' ')
}

/** A name pattern: whole, without case, with `*` and `?`. */
function compilePattern(pattern: string, whole: boolean): (value: string) => boolean {
  const wild = /[*?]/.test(pattern)
  const needle = pattern.toLowerCase()
  if (!wild) return whole ? (value) => value.toLowerCase() === needle : (value) => value.toLowerCase().includes(needle)
  const source = needle
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll(/\*+/g, '.*')
    .replaceAll('?', '.')
  const expression = new RegExp(`^${source}$`, 's')
  return (value) => expression.test(value.toLowerCase())
}

function valuesOf(facts: FilterFacts, key: FilterTerm['key']): readonly string[] {
  switch (key) {
    case 'text':
      return [facts.name, facts.address, facts.pool, `${facts.pool}/${facts.name}`]
    case 'name':
      return [facts.name]
    case 'address':
      // `address:10.0.0.7` means that host on any port
      return [facts.address, facts.address.replace(/:\d+$/, '')]
    case 'state':
      return [facts.state]
    case 'pool':
      return [facts.pool]
    case 'pair':
      return facts.pair
    case 'site':
      return facts.site
    case 'node':
      return facts.nodes
    case 'kind':
      return [facts.kind]
    case 'drain':
      return facts.drain
    case 'is':
      return facts.traits
  }
}

/** Compiles the query once for a whole table: 10 000 rows are matched on every round. */
export function compileFilter(query: FilterQuery): (facts: FilterFacts) => boolean {
  interface Test {
    readonly key: FilterTerm['key']
    readonly holds: (value: string) => boolean
  }
  const either = new Map<string, Test[]>()
  const never: Test[] = []
  query.terms.forEach((term, index) => {
    const patterns = term.values.map((value) => compilePattern(value, term.key !== 'text'))
    const test: Test = { key: term.key, holds: (value) => patterns.some((pattern) => pattern(value)) }
    if (term.negated) never.push(test)
    else {
      // two plain words must both be found; two values of one key are alternatives
      const group = term.key === 'text' ? `text ${index}` : term.key
      either.set(group, [...(either.get(group) ?? []), test])
    }
  })
  const groups = [...either.values()]
  return (facts) => {
    const passes = (test: Test) => valuesOf(facts, test.key).some(test.holds)
    return groups.every((group) => group.some(passes)) && !never.some(passes)
  }
}
