import type { HttpFacts } from '../../traffic/traffic.ts'

/*
 * The part of HAProxy's conditions that a practice balancer carries out: ACLs by name or in braces, `!`, `||`, `unless`; what they fetch is
 * in the table below. Anything else is refused when the configuration is read.
 */

export interface RateSource {
  /** requests of this address in the table's period */
  rateOf(address: string): number
}

export type FactsWithRate = HttpFacts & { rates: RateSource | null }
export type Condition = (facts: FactsWithRate) => boolean
export type AclTable = ReadonlyMap<string, readonly Condition[]>

/** What is wrong with a condition, in HAProxy's words. */
export class ConditionError extends Error {}

type Fetch = (facts: FactsWithRate, argument: string) => string | number | null
type Match = 'str' | 'beg' | 'end' | 'sub' | 'reg' | 'dir' | 'dom' | 'int' | 'ip' | 'found'

const pathOf = ({ request }: HttpFacts): string => (request.url ?? '').split('?', 1)[0] ?? ''
const headerOf = ({ request }: HttpFacts, name: string): string | null => {
  const value = request.headers[name.toLowerCase()]
  return value === undefined ? null : Array.isArray(value) ? value.join(', ') : value
}
const cookieOf = (facts: HttpFacts, name: string): string | null =>
  (headerOf(facts, 'cookie') ?? '')
    .split(/;\s*/)
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1) ?? null
const parameterOf = ({ request }: HttpFacts, name: string): string | null =>
  new URLSearchParams((request.url ?? '').split('?')[1] ?? '').get(name)
const rateOf: Fetch = ({ session, rates }) => rates?.rateOf(session.source.address) ?? 0

const fetches: Readonly<Record<string, { fetch: Fetch; match: Match }>> = {
  path: { fetch: pathOf, match: 'str' },
  url: { fetch: ({ request }) => request.url ?? '', match: 'str' },
  query: { fetch: ({ request }) => (request.url ?? '').split('?')[1] ?? '', match: 'str' },
  method: { fetch: ({ request }) => request.method ?? '', match: 'str' },
  hdr: { fetch: headerOf, match: 'str' },
  'req.hdr': { fetch: headerOf, match: 'str' },
  cook: { fetch: cookieOf, match: 'str' },
  'req.cook': { fetch: cookieOf, match: 'str' },
  urlp: { fetch: parameterOf, match: 'str' },
  url_param: { fetch: parameterOf, match: 'str' },
  src: { fetch: ({ session }) => session.source.address, match: 'ip' },
  dst: { fetch: ({ session }) => session.local.address, match: 'ip' },
  dst_port: { fetch: ({ session }) => session.local.port, match: 'int' },
  src_port: { fetch: ({ session }) => session.source.port, match: 'int' },
  sc_http_req_rate: { fetch: rateOf, match: 'int' },
  sc0_http_req_rate: { fetch: rateOf, match: 'int' },
  src_http_req_rate: { fetch: rateOf, match: 'int' },
  always_true: { fetch: () => 1, match: 'found' },
  always_false: { fetch: () => null, match: 'found' },
}

const predefined: Readonly<Record<string, Condition>> = {
  TRUE: () => true,
  FALSE: () => false,
  HTTP: () => true,
  METH_GET: ({ request }) => request.method === 'GET' || request.method === 'HEAD',
  METH_POST: ({ request }) => request.method === 'POST',
  LOCALHOST: ({ session }) => session.source.address.startsWith('127.'),
}

/** `path_beg` → fetch `path`, match `beg`; null: HAProxy knows it and a practice balancer does not, or nobody does. */
function resolveFetch(word: string): { fetch: Fetch; match: Match; argument: string } | null {
  const [, name = '', argument = ''] = /^([a-z0-9_.]+)(?:\((.*)\))?$/.exec(word) ?? []
  const known = fetches[name]
  if (known !== undefined) return { ...known, argument }
  const [, base = '', match] = /^(.+)_(beg|end|sub|reg|dir|dom)$/.exec(name) ?? []
  const derived = fetches[base]
  return derived === undefined || match === undefined ? null : { fetch: derived.fetch, match: match as Match, argument }
}

/** What a `%[…]` of a format string, or a `balance hdr(…)`, fetches. */
export function compileFetch(word: string): (facts: FactsWithRate) => string {
  const resolved = resolveFetch(word)
  if (resolved === null) throw new ConditionError(`unknown fetch method '${word}'`)
  return (facts) => String(resolved.fetch(facts, resolved.argument) ?? '')
}

/** The words of one ACL behind its name, or between `{ }`. */
export function compileAcl(words: readonly string[]): Condition {
  const [word = '', ...rest] = words
  const resolved = resolveFetch(word)
  if (resolved === null) throw new ConditionError(`unknown fetch method '${word}' in ACL expression '${word}'.`)
  let { match } = resolved
  let ignoreCase = false
  while (rest[0]?.startsWith('-') === true) {
    const flag = rest.shift()
    if (flag === '--') break
    else if (flag === '-i') ignoreCase = true
    else if (flag === '-m') match = (rest.shift() ?? '') as Match
    else throw new ConditionError(`unsupported flag '${flag}' in ACL expression '${word}'.`)
  }
  const matches = matchers[match]
  if (matches === undefined) throw new ConditionError(`unknown matching method '${match}' in ACL expression '${word}'.`)
  const fold = (text: string): string => (ignoreCase ? text.toLowerCase() : text)
  const test = matches(rest.map(fold))
  return (facts) => {
    const value = resolved.fetch(facts, resolved.argument)
    return value !== null && test(fold(String(value)))
  }
}

const anyOf =
  (one: (value: string, pattern: string) => boolean) =>
  (patterns: readonly string[]) =>
  (value: string): boolean =>
    patterns.some((pattern) => one(value, pattern))

const matchers: Readonly<Partial<Record<string, (patterns: readonly string[]) => (value: string) => boolean>>> = {
  str: anyOf((value, pattern) => value === pattern),
  beg: anyOf((value, pattern) => value.startsWith(pattern)),
  end: anyOf((value, pattern) => value.endsWith(pattern)),
  sub: anyOf((value, pattern) => value.includes(pattern)),
  dir: anyOf((value, pattern) => `/${value}/`.includes(`/${pattern.replace(/^\/|\/$/g, '')}/`)),
  dom: anyOf((value, pattern) => `.${value.split(':', 1)[0] ?? ''}.`.includes(`.${pattern}.`)),
  reg: (patterns) => {
    const expressions = patterns.map((pattern) => new RegExp(pattern))
    return (value) => expressions.some((expression) => expression.test(value))
  },
  ip: anyOf(isWithin),
  int: integerMatcher,
  found: () => () => true,
}

function integerMatcher(patterns: readonly string[]): (value: string) => boolean {
  const operators: Record<string, (a: number, b: number) => boolean> = {
    eq: (a, b) => a === b,
    ge: (a, b) => a >= b,
    gt: (a, b) => a > b,
    le: (a, b) => a <= b,
    lt: (a, b) => a < b,
  }
  const operator = operators[patterns[0] ?? '']
  const numbers = operator === undefined ? patterns : patterns.slice(1)
  const compare = operator ?? ((a: number, b: number) => a === b)
  return (value) => numbers.some((number) => compare(Number(value), Number(number)))
}

function isWithin(address: string, network: string): boolean {
  const [base = '', length = '32'] = network.split('/')
  const bits = (text: string): number | null => {
    const parts = text.split('.').map(Number)
    return parts.length === 4 ? parts.reduce((sum, part) => sum * 256 + part, 0) : null
  }
  const [one, other] = [bits(address), bits(base)]
  if (one === null || other === null) return address === base
  const size = 2 ** (32 - Number(length))
  return Math.floor(one / size) === Math.floor(other / size)
}

/** `if …` or `unless …`; null without a condition. Throws ConditionError. */
export function compileCondition(words: readonly string[], acls: AclTable): Condition | null {
  const [how, ...terms] = words
  if (how === undefined) return null
  if (how !== 'if' && how !== 'unless')
    throw new ConditionError(`expects either 'if' or 'unless' followed by a condition but found '${how}'`)
  const alternatives: Condition[][] = [[]]
  let negated = false
  for (let at = 0; at < terms.length; at++) {
    let term = terms[at] ?? ''
    if (term === '||' || term === 'or') {
      alternatives.push([])
      continue
    }
    for (; term.startsWith('!'); term = term.slice(1)) negated = !negated
    if (term === '') continue
    const close = term === '{' ? terms.indexOf('}', at) : -1
    if (term === '{' && close === -1) throw new ConditionError("missing closing '}' in condition")
    const condition = term === '{' ? compileAcl(terms.slice(at + 1, close)) : namedCondition(term, acls)
    if (term === '{') at = close
    alternatives.at(-1)?.push(negated ? (facts) => !condition(facts) : condition)
    negated = false
  }
  const met: Condition = (facts) => alternatives.some((all) => all.every((condition) => condition(facts)))
  return how === 'if' ? met : (facts) => !met(facts)
}

function namedCondition(name: string, acls: AclTable): Condition {
  const declared = acls.get(name)
  if (declared !== undefined) return (facts) => declared.some((condition) => condition(facts))
  const given = predefined[name]
  if (given === undefined) throw new ConditionError(`no such ACL : '${name}'.`)
  return given
}
