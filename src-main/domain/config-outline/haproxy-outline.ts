import type { ConfigDirective, ConfigOutline } from '#contract'
import type { ConfigLine } from '../config-text/line-tree.ts'
import type { Section } from '../haproxy/config/tree.ts'
import { settingOf, type HaproxyView, type Place } from '../haproxy/config/view.ts'

export function haproxyOutline(view: HaproxyView): Partial<ConfigOutline> {
  return {
    pools: view.proxies
      .filter(({ kind, servers }) => kind === 'backend' || servers.length > 0)
      .map((proxy) => ({
        ...placed(proxy),
        name: proxy.name,
        context: proxy.kind,
        algorithm: settingOf(proxy, 'balance')?.values.join(' ') ?? 'roundrobin',
        servers: proxy.servers.map(({ name, address, options, ...place }) => ({
          ...placed(place),
          name,
          address,
          weight: Number(options.get('weight')?.values[0] ?? 1),
          backup: options.has('backup') && !options.has('no-backup'),
          disabled: options.has('disabled') && !options.has('enabled'),
          checked: options.has('check') && !options.has('no-check'),
        })),
      })),
    listeners: view.proxies.flatMap(({ name, binds }) =>
      binds.map((bind) => ({ ...placed(bind), name, addresses: [...bind.addresses] })),
    ),
    routes: view.proxies.flatMap(({ kind, name, routes }) =>
      kind === 'backend'
        ? []
        : routes.map((route) => ({ ...placed(route), from: name, to: route.backend, condition: route.condition })),
    ),
    timeouts: view.proxies.flatMap(({ name, settings }) =>
      settings
        .filter(({ keyword }) => keyword.startsWith('timeout '))
        .map((each) => ({
          ...placed(each),
          owner: name,
          name: each.keyword.slice('timeout '.length),
          value: each.values.join(' '),
        })),
    ),
  }
}

const placed = ({ file, line }: Place) => ({ file, line, column: 1 })

export function haproxyDirectives(sections: readonly Section[]): ConfigDirective[] {
  return sections.flatMap(({ head, lines }) => {
    const inside = lines.flatMap(directiveOf)
    return head === null ? inside : directiveOf(head).map((each) => ({ ...each, block: inside }))
  })
}

function directiveOf({ number, words }: ConfigLine): ConfigDirective[] {
  const [first] = words
  if (first === undefined) return []
  return [{ words: words.map(({ value }) => value), line: number, column: first.start + 1, block: null }]
}
