import type { ConfigText } from '#contract'

/** A file on both sides, or on one. */
export interface FilePair {
  readonly before: ConfigText | null
  readonly after: ConfigText | null
}

/** By daemon and path; where a daemon has one file left on each side, they are the same file under another name. */
export function pairFiles(before: readonly ConfigText[], after: readonly ConfigText[]): FilePair[] {
  const same = (one: ConfigText, other: ConfigText): boolean => one.kind === other.kind && one.path === other.path
  const gone = before.filter((file) => !after.some((other) => same(file, other)))
  const come = after.filter((file) => !before.some((other) => same(file, other)))
  const pairs: FilePair[] = before.flatMap((file) => {
    const other = after.find((each) => same(file, each))
    return other === undefined ? [] : [{ before: file, after: other }]
  })
  for (const kind of ['haproxy', 'nginx', 'keepalived'] as const) {
    const [left, right] = [gone, come].map((files) => files.filter((file) => file.kind === kind))
    const [one, another] = [left?.[0], right?.[0]]
    if (one !== undefined && another !== undefined && left?.length === 1 && right?.length === 1) {
      pairs.push({ before: one, after: another })
      continue
    }
    pairs.push(...(left ?? []).map((file) => ({ before: file, after: null })))
    pairs.push(...(right ?? []).map((file) => ({ before: null, after: file })))
  }
  return pairs
}
