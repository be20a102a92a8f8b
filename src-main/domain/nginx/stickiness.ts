import type { DrainSticky } from '#contract'
import type { ConfigSource, MemberRef } from './member-edit.ts'
import { parseConfig } from './parse-config.ts'
import { findUpstreams } from './upstreams.ts'

/** What leads clients to one member of an upstream again and again. `files`: the main file first. */
export function stickinessOf(files: readonly ConfigSource[], { context, upstream }: MemberRef): DrainSticky[] {
  const found = findUpstreams(parseConfig(files).directives).find((each) => each.context === context && each.name === upstream)
  if (found === undefined) return []
  return found.algorithm.split(', ').flatMap((written): DrainSticky[] => {
    const [method = '', ...words] = written.split(' ')
    const place = { written, file: found.file, line: found.line, entries: null }
    if (method === 'sticky') return [{ kind: 'cookie', name: words[1] ?? words[0] ?? '', ...place }]
    return method === 'ip_hash' || method === 'hash' ? [{ kind: 'hash', name: method, ...place }] : []
  })
}
