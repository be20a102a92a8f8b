import type { ConfigText, LintFinding, ServiceKind } from '#contract'
import { parseConfig } from '../haproxy/config/tree.ts'
import { parseTree as parseKeepalived } from '../keepalived/config-tree.ts'
import { parseTree as parseNginx } from '../nginx/config-tree.ts'
import { findingsOf } from './finding.ts'
import { viewOf as haproxyView } from '../haproxy/config/view.ts'
import { viewOf as keepalivedView } from '../keepalived/config-view.ts'
import { areMembers, haproxyPairRules } from './haproxy-pair-rules.ts'
import { haproxyRules } from './haproxy-rules.ts'
import { keepalivedRules } from './keepalived-rules.ts'
import { nginxRules } from './nginx-rules.ts'

/**
 * Files of one kind are read together: a configuration in several files, or those of the members of a pair. HAProxy's are taken for the latter
 * where each is a whole configuration and they share a proxy.
 */
export function lintFiles(files: readonly ConfigText[]): LintFinding[] {
  const of = (kind: ServiceKind) => files.filter((file) => file.kind === kind)
  const haproxy = of('haproxy').map(({ path, text }) => {
    const tree = parseConfig(text)
    return { path, tree, view: haproxyView([{ path, tree }]) }
  })
  const isPair = areMembers(haproxy)
  const keepalived = of('keepalived').map(({ path, text }) => keepalivedView(path, parseKeepalived(text)))
  const trees = of('nginx').map(({ path, text }) => parseNginx(path, text))
  const findings = [
    ...(isPair ? haproxy.map((file) => [file]) : [haproxy]).flatMap((files) =>
      findingsOf(haproxyRules, { files, view: haproxyView(files) }),
    ),
    ...(isPair ? findingsOf(haproxyPairRules, { views: haproxy.map(({ view }) => view) }) : []),
    ...findingsOf(nginxRules, { trees }),
    ...findingsOf(keepalivedRules, { files: keepalived }),
  ]
  return findings.sort((a, b) => (a.file === b.file ? a.line - b.line || a.column - b.column : a.file < b.file ? -1 : 1))
}
