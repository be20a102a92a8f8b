import type { ServiceKind } from '#contract'
import { compareNamed, placeOf } from './compare-named.ts'
import type { PlainChange } from './impact.ts'
import type { Placed, Side } from './side.ts'

/** keywords whose second word says which of several it is */
const twoWords = new Set([
  'timeout',
  'option',
  'no',
  'stats',
  'http-check',
  'tcp-check',
  'stick',
  'add_header',
  'proxy_set_header',
  'acl',
])

/** Everything that differs and has not been told: settings that came, went or changed, whole sections, and order where it counts. */
export function restChanges(kind: ServiceKind, left: Side, right: Side): PlainChange[] {
  const { gone, come, both } = compareNamed(left.all, right.all, wordsKey)
  const rest = (side: Side, among: readonly Placed[]): Placed[] => {
    const left = among.filter((each) => !side.isCovered(each))
    // a section that came or went as a whole is one change
    const below = new Set(left.flatMap(({ inside }) => inside ?? []))
    return left.filter((each) => !below.has(each))
  }
  const paired = compareNamed(rest(left, gone), rest(right, come), keywordKey)
  return [
    ...paired.gone.map((each): PlainChange => {
      const at = { before: placeOf(each), after: null }
      return { ...naming(each, 'removed'), before: each.words.join(' '), after: null, at }
    }),
    ...paired.come.map((each): PlainChange => {
      const at = { before: null, after: placeOf(each) }
      return { ...naming(each, 'added'), before: null, after: each.words.join(' '), at }
    }),
    ...paired.both.flatMap(([one, other]): PlainChange[] => {
      const at = { before: placeOf(one), after: placeOf(other) }
      const told = { before: one.words.join(' '), after: other.words.join(' '), at, keyword: keywordOf(other) }
      return [{ what: 'setting.value', subject: other.owner, ...told }]
    }),
    ...(kind === 'keepalived' ? [] : orderChanges(both, right)),
  ]
}

const keywordOf = ({ words }: Placed): string => words.slice(0, twoWords.has(words[0] ?? '') ? 2 : 1).join(' ')
const wordsKey = ({ fileName, owner, words }: Placed): string => [fileName, owner, ...words].join('\0')
/** sections are known by their whole head, settings by their keyword */
const keywordKey = (each: Placed): string =>
  each.inside === null ? [each.fileName, each.owner, keywordOf(each)].join('\0') : wordsKey(each)

function naming(each: Placed, how: 'added' | 'removed'): Pick<PlainChange, 'what' | 'subject' | 'keyword'> {
  return each.inside === null
    ? { what: `setting.${how}`, subject: each.owner, keyword: keywordOf(each) }
    : { what: `section.${how}`, subject: each.words.join(' '), keyword: keywordOf(each) }
}

/** Rules are taken in their order, and map-based balancing counts servers by theirs. One change for each section. */
function orderChanges(both: readonly [Placed, Placed][], right: Side): PlainChange[] {
  const order = new Map(right.all.map((each, index) => [each, index]))
  const last = new Map<string, number>()
  const moved = new Map<string, [Placed, Placed]>()
  for (const [one, other] of both) {
    const section = `${other.fileName}\0${other.owner}`
    const index = order.get(other) ?? 0
    const isAfter = index > (last.get(section) ?? -1)
    if (isAfter) last.set(section, index)
    // the order of sections themselves means nothing
    else if (other.owner !== '' && !moved.has(section)) moved.set(section, [one, other])
  }
  return [...moved.values()].map(([one, other]) => ({
    what: 'section.order',
    subject: other.owner,
    before: one.words.join(' '),
    after: other.words.join(' '),
    at: { before: placeOf(one), after: placeOf(other) },
  }))
}
