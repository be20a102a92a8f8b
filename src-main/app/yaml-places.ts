/** Where in a YAML text something stands, and what a schema has against it there. */
import type * as v from 'valibot'
import { isNode, type Document, type LineCounter } from 'yaml'

export type PlacePath = readonly (string | number)[]

export function faultFromIssue(issue: v.BaseIssue<unknown>): { path: (string | number)[]; message: string } {
  const path = (issue.path ?? []).flatMap(({ key }) => (typeof key === 'string' || typeof key === 'number' ? [key] : []))
  if (issue.expected === 'never') return { path, message: `there is no key "${String(path.at(-1))}" here` }
  if (issue.received === 'undefined') return { path, message: 'is missing' }
  return { path, message: issue.message }
}

/** The line of the value, or of the nearest thing around it that is in the file. */
export function lineOf(document: Document, lines: LineCounter, path: PlacePath): number | null {
  for (let length = path.length; length >= 0; length--) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  }
  return null
}
