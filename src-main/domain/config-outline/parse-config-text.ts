import type { ConfigOutline, ConfigText, ParsedConfig } from '#contract'
import { printLines } from '../config-text/line-tree.ts'
import { parseConfig, sectionsOf } from '../haproxy/config/tree.ts'
import { viewOf as haproxyView } from '../haproxy/config/view.ts'
import { parseTree as parseKeepalived } from '../keepalived/config-tree.ts'
import { viewOf as keepalivedView } from '../keepalived/config-view.ts'
import { parseTree as parseNginx, printTree } from '../nginx/config-tree.ts'
import { haproxyDirectives, haproxyOutline } from './haproxy-outline.ts'
import { keepalivedDirectives, keepalivedOutline } from './keepalived-outline.ts'
import { nginxDirectives, nginxOutline } from './nginx-outline.ts'

const nothing: ConfigOutline = { pools: [], listeners: [], routes: [], timeouts: [], virtualRouters: [], scripts: [] }

/** One file by itself, of whatever daemon: its tree, what it means, what is wrong with its syntax, and the file written back. */
export function parseConfigText({ path, kind, text }: ConfigText): ParsedConfig {
  if (kind === 'haproxy') {
    const tree = parseConfig(text)
    return {
      directives: haproxyDirectives(sectionsOf(tree)),
      outline: { ...nothing, ...haproxyOutline(haproxyView([{ path, tree }])) },
      problems: tree.lines.flatMap(({ number, problem }) =>
        problem === null ? [] : [{ file: path, line: number, column: problem.column + 1, message: problem.message }],
      ),
      printed: printLines(tree),
    }
  }
  if (kind === 'nginx') {
    const tree = parseNginx(path, text)
    return {
      directives: nginxDirectives(tree.directives),
      outline: { ...nothing, ...nginxOutline(path, tree.directives) },
      problems: tree.problems.map((problem) => ({ ...problem, column: 1 })),
      printed: printTree(tree),
    }
  }
  const tree = parseKeepalived(text)
  const view = keepalivedView(path, tree)
  return {
    directives: keepalivedDirectives(view.statements),
    outline: { ...nothing, ...keepalivedOutline(view) },
    problems: view.problems.map((problem) => ({ ...problem, file: path, column: problem.column + 1 })),
    printed: printLines(tree),
  }
}
