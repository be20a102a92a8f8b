import type { Place } from './side.ts'

/** Things of both sides by name; several of one name are told apart by their order. */
export function compareNamed<T>(
  before: readonly T[],
  after: readonly T[],
  nameOf: (thing: T) => string,
): { gone: T[]; come: T[]; both: [T, T][] } {
  const index = (things: readonly T[]): Map<string, T> => {
    const counts = new Map<string, number>()
    return new Map(
      things.map((thing) => {
        const name = nameOf(thing)
        const count = counts.get(name) ?? 0
        counts.set(name, count + 1)
        return [`${name}\0${count}`, thing]
      }),
    )
  }
  const [left, right] = [index(before), index(after)]
  return {
    gone: [...left].flatMap(([key, thing]) => (right.has(key) ? [] : [thing])),
    come: [...right].flatMap(([key, thing]) => (left.has(key) ? [] : [thing])),
    both: [...left].flatMap(([key, thing]): [T, T][] => {
      const other = right.get(key)
      return other === undefined ? [] : [[thing, other]]
    }),
  }
}

export const placeOf = ({ file, line, column }: Place): Place => ({ file, line, column })
