/*
 * What differs between two configurations, in the words of the trade. The things an operator names (pools, servers, listeners, routes,
 * timeouts, virtual routers, scripts) are compared by name; whatever else differs is told as a changed setting of its section, so that
 * nothing is left out. Comments, blanks and the order of files do not count.
 */
import type { ConfigChange, ConfigText, ServiceKind } from '#contract'
import { withImpact, type PlainChange } from './impact.ts'
import { pairFiles } from './pair-files.ts'
import { poolChanges } from './pool-changes.ts'
import { restChanges } from './rest-changes.ts'
import { routerChanges } from './router-changes.ts'
import { sideOf, type Side } from './side.ts'
import { wayChanges } from './way-changes.ts'

export function semanticDiff(before: readonly ConfigText[], after: readonly ConfigText[]): ConfigChange[] {
  return (['haproxy', 'nginx', 'keepalived'] as const).flatMap((kind) => changesOf(kind, before, after))
}

function changesOf(kind: ServiceKind, before: readonly ConfigText[], after: readonly ConfigText[]): ConfigChange[] {
  const of = (files: readonly ConfigText[]): ConfigText[] => files.filter((file) => file.kind === kind)
  const pairs = pairFiles(of(before), of(after))
  const left = sideOf(
    kind,
    pairs.flatMap(({ before: file, after: other }) => (file === null ? [] : [{ file, name: (other ?? file).path }])),
  )
  const right = sideOf(
    kind,
    pairs.flatMap(({ after: file }) => (file === null ? [] : [{ file, name: file.path }])),
  )
  const files = pairs.flatMap(({ before: one, after: other }): PlainChange[] => {
    if (one !== null && other !== null) return []
    const path = (other ?? one)?.path ?? ''
    const start = { file: path, line: 1, column: 1 }
    return one === null
      ? [{ what: 'file.added', subject: path, before: null, after: path, at: { before: null, after: start } }]
      : [{ what: 'file.removed', subject: path, before: path, after: null, at: { before: start, after: null } }]
  })
  const found = [...poolChanges(left, right), ...wayChanges(left, right), ...routerChanges(left, right)]
  coverFiles(left, files)
  coverFiles(right, files)
  return [...files, ...found, ...restChanges(kind, left, right)].map((change) => withImpact(kind, change))
}

/** What stands in a file that came or went is told by the file, as far as it has no word of its own. */
function coverFiles(side: Side, files: readonly PlainChange[]): void {
  const paths = new Set(files.map(({ subject }) => subject))
  for (const each of side.all) if (paths.has(each.file)) side.cover(each)
}
