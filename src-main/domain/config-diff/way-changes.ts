import type { ConfigOutline } from '#contract'
import { compareNamed, placeOf } from './compare-named.ts'
import type { ChangeKind, PlainChange } from './impact.ts'
import type { Place, Side } from './side.ts'

/** The way into a balancer and through it: listeners, routes, timeouts. */
export function wayChanges(left: Side, right: Side): PlainChange[] {
  const listeners = compare(left, right, ({ listeners: each }) =>
    each.flatMap(({ name, addresses, ...place }) =>
      addresses.map((address) => ({ ...place, name: `${name} ${address}`, subject: name, value: address })),
    ),
  )
  const routes = compare(left, right, ({ routes: each }) =>
    each.map(({ from, to, condition, ...place }) => ({
      ...place,
      name: `${from}\0${condition ?? ''}`,
      subject: condition === null ? from : `${from} ${condition}`,
      value: to,
    })),
  )
  const timeouts = compare(left, right, ({ timeouts: each }, side) =>
    each.map(({ name, value, ...place }) => {
      // a line of `defaults` speaks for every proxy that inherits it, and is one timeout all the same
      const owner = side.at(place)?.owner ?? ''
      return { ...place, name: `${owner}\0${name}`, subject: `${owner} ${name}`.trim(), value }
    }),
  )
  return [
    // where it listens is its name, so that a changed address is one that went and one that came
    ...listeners('listener.added', 'listener.removed', null),
    ...routes('route.added', 'route.removed', 'route.target'),
    ...timeouts('timeout.added', 'timeout.removed', 'timeout.value'),
  ]
}

interface Way extends Place {
  name: string
  subject: string
  value: string
}

const compare =
  (left: Side, right: Side, waysOf: (outline: ConfigOutline, side: Side) => Way[]) =>
  (added: ChangeKind, removed: ChangeKind, changed: ChangeKind | null): PlainChange[] => {
    const [before, after] = [left, right].map((side) => oncePerPlace(waysOf(side.outline, side)))
    const { gone, come, both } = compareNamed(before ?? [], after ?? [], ({ name }) => name)
    const other = both.filter(([one, another]) => changed !== null && one.value !== another.value)
    for (const way of [...gone, ...other.map(([one]) => one)]) left.cover(left.at(way))
    for (const way of [...come, ...other.map(([, one]) => one)]) right.cover(right.at(way))
    return [
      ...gone.map(({ subject, value, ...place }): PlainChange => {
        const at = { before: placeOf(place), after: null }
        return { what: removed, subject, before: value, after: null, at }
      }),
      ...come.map(({ subject, value, ...place }): PlainChange => {
        const at = { before: null, after: placeOf(place) }
        return { what: added, subject, before: null, after: value, at }
      }),
      ...other.map(([one, another]): PlainChange => {
        const at = { before: placeOf(one), after: placeOf(another) }
        return { what: changed ?? added, subject: another.subject, before: one.value, after: another.value, at }
      }),
    ]
  }

/** Inherited lines come once for each that inherits them. */
function oncePerPlace(ways: readonly Way[]): Way[] {
  return [...new Map(ways.map((way) => [`${way.file}\0${way.line}\0${way.column}\0${way.value}`, way])).values()]
}
