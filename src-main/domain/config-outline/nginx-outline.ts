import type { ConfigDirective, ConfigOutline } from '#contract'
import type { TreeDirective } from '../nginx/config-tree.ts'
import type { Directive } from '../nginx/parse-config.ts'
import { findUpstreams, type Upstream } from '../nginx/upstreams.ts'

/** Of one file by itself: an upstream of an included file has no context. */
export function nginxOutline(file: string, directives: readonly TreeDirective[]): Partial<ConfigOutline> {
  const all = [...everyDirective(file, directives)]
  return {
    pools: upstreamsOf(plain(file, directives)).map(({ servers, context, name, algorithm, line }) => ({
      ...{ file, line, column: 1, name, context, algorithm },
      servers: servers.map((server) => ({
        ...{ file, line: server.line, column: 1 },
        name: server.address,
        address: server.address,
        weight: server.weight,
        backup: server.backup,
        disabled: server.down,
        checked: false,
      })),
    })),
    listeners: all.flatMap(({ name, args, owner, ...place }) =>
      name === 'listen' ? [{ ...place, name: owner, addresses: args.slice(0, 1) }] : [],
    ),
    routes: all.flatMap(({ name, args, owner, ...place }) =>
      name === 'proxy_pass' ? [{ ...place, from: owner, to: args[0] ?? '', condition: null }] : [],
    ),
    timeouts: all.flatMap(({ name, args, owner, ...place }) =>
      name.endsWith('_timeout') ? [{ ...place, owner, name, value: args.join(' ') }] : [],
    ),
  }
}

interface Placed {
  file: string
  line: number
  column: number
  name: string
  args: string[]
  /** the words of the block around it */
  owner: string
}

function* everyDirective(file: string, directives: readonly TreeDirective[], owner = ''): Generator<Placed> {
  for (const { words, block } of directives) {
    const [name, ...args] = words
    const own = { file, line: name.line, column: name.column, name: name.text, args: args.map(({ text }) => text), owner }
    yield own
    yield* everyDirective(file, block ?? [], [own.name, ...own.args].join(' '))
  }
}

/** `findUpstreams` looks into `http` and `stream`; an upstream at the top of an included file stands in neither. */
function upstreamsOf(directives: readonly Directive[]): (Omit<Upstream, 'context'> & { context: string })[] {
  const block = directives.filter(({ name }) => name === 'upstream')
  const included = findUpstreams([{ name: 'http', args: [], file: '', line: 0, block }])
  return [...findUpstreams(directives), ...included.map((upstream) => ({ ...upstream, context: '' }))]
}

function plain(file: string, directives: readonly TreeDirective[]): Directive[] {
  return directives.map(({ words: [name, ...args], block }) => ({
    ...{ name: name.text, args: args.map(({ text }) => text), file, line: name.line },
    block: block === null ? null : [...plain(file, block)],
  }))
}

export function nginxDirectives(directives: readonly TreeDirective[]): ConfigDirective[] {
  return directives.map(({ words, block }) => ({
    words: words.map(({ text }) => text),
    line: words[0].line,
    column: words[0].column,
    block: block === null ? null : nginxDirectives(block),
  }))
}
