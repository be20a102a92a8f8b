import type { ConfigOutline } from '#contract'
import { compareNamed, placeOf } from './compare-named.ts'
import type { ChangeKind, PlainChange } from './impact.ts'
import type { Place, Placed, Side } from './side.ts'

/** what changed, the keyword that says so, and the value as it is shown */
type Fact<T> = readonly [ChangeKind, string, (thing: T) => string]

type Router = ConfigOutline['virtualRouters'][number]
type Script = ConfigOutline['scripts'][number]

const routerFacts: readonly Fact<Router>[] = [
  ['router.vrid', 'virtual_router_id', ({ vrid }) => String(vrid ?? '')],
  ['router.interface', 'interface', ({ interface: name }) => name ?? ''],
  ['router.priority', 'priority', ({ priority }) => String(priority)],
  ['router.advert', 'advert_int', ({ advertIntS }) => `${advertIntS} s`],
  ['router.addresses', 'virtual_ipaddress', ({ addresses }) => [...addresses].sort().join(' ')],
  ['router.tracks', 'track_script', ({ tracks }) => [...tracks].sort().join(' ')],
]

const scriptFacts: readonly Fact<Script>[] = [
  ['script.command', 'script', ({ command }) => command],
  ['script.interval', 'interval', ({ intervalS }) => `${intervalS} s`],
  ['script.weight', 'weight', ({ weight }) => String(weight)],
]

/** keepalived's virtual routers and check scripts. */
export function routerChanges(left: Side, right: Side): PlainChange[] {
  return [
    ...compareThings(left, right, ({ virtualRouters }) => virtualRouters, routerFacts, 'router.added', 'router.removed'),
    ...authChanges(left, right),
    ...compareThings(left, right, ({ scripts }) => scripts, scriptFacts, 'script.added', 'script.removed'),
  ]
}

function compareThings<T extends Place & { name: string }>(
  left: Side,
  right: Side,
  thingsOf: (outline: ConfigOutline) => readonly T[],
  facts: readonly Fact<T>[],
  added: ChangeKind,
  removed: ChangeKind,
): PlainChange[] {
  const { gone, come, both } = compareNamed(thingsOf(left.outline), thingsOf(right.outline), ({ name }) => name)
  for (const thing of gone) left.cover(left.at(thing))
  for (const thing of come) right.cover(right.at(thing))
  return [
    ...gone.map((thing): PlainChange => {
      const at = { before: placeOf(thing), after: null }
      return { what: removed, subject: thing.name, before: thing.name, after: null, at }
    }),
    ...come.map((thing): PlainChange => {
      const at = { before: null, after: placeOf(thing) }
      return { what: added, subject: thing.name, before: null, after: thing.name, at }
    }),
    ...both.flatMap(([one, other]) =>
      facts.flatMap(([what, keyword, valueOf]): PlainChange[] => {
        const [before, after] = [valueOf(one), valueOf(other)]
        if (before === after) return []
        const at = { before: keywordPlace(left, one, keyword), after: keywordPlace(right, other, keyword) }
        return [{ what, subject: other.name, before, after, at }]
      }),
    ),
  ]
}

/** Passwords are not among the directives (they come masked), so that a changed one is known by its mask alone and shown by none. */
function authChanges(left: Side, right: Side): PlainChange[] {
  const { both } = compareNamed(left.outline.virtualRouters, right.outline.virtualRouters, ({ name }) => name)
  return both.flatMap(([one, other]): PlainChange[] => {
    const [before, after] = [authOf(left, one), authOf(right, other)]
    if (before.words === after.words) return []
    left.cover(before.block)
    right.cover(after.block)
    const at = { before: placeOf(before.block ?? one), after: placeOf(after.block ?? other) }
    return [{ what: 'router.auth', subject: other.name, before: null, after: null, at }]
  })
}

function authOf(side: Side, router: Place): { block: Placed | null; words: string } {
  const block = side.at(router)?.inside?.find(({ words }) => words[0] === 'authentication') ?? null
  return { block, words: JSON.stringify(block?.inside?.map(({ words }) => words) ?? []) }
}

/** where a keyword of the thing stands, else the thing itself; the lines are spoken for */
function keywordPlace(side: Side, thing: Place, keyword: string): Place {
  const line = side.at(thing)?.inside?.find(({ words }) => words[0] === keyword) ?? null
  side.cover(line)
  return placeOf(line ?? thing)
}
