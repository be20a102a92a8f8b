import type { ParsedConfig } from '#contract'

export interface OutlineEntry {
  what: 'listener' | 'route' | 'pool' | 'server' | 'router' | 'script'
  name: string
  detail: string
  line: number
}

/** What a file defines, in the order of its lines. */
export function outlineEntries(outline: ParsedConfig['outline']): OutlineEntry[] {
  const entries: OutlineEntry[] = [
    ...outline.listeners.map(({ name, addresses, line }) => entry('listener', name, addresses.join(' '), line)),
    ...outline.routes.map(({ from, to, condition, line }) => entry('route', `${from} → ${to}`, condition ?? '', line)),
    ...outline.pools.flatMap(({ name, algorithm, servers, line }) => [
      entry('pool', name, algorithm, line),
      ...servers.map((server) => {
        const address = server.address === server.name ? '' : server.address
        const facts = [address, server.weight === 1 ? '' : `weight ${server.weight}`]
        const flags = [server.backup ? 'backup' : '', server.disabled ? 'disabled' : '']
        return entry('server', server.name, [...facts, ...flags].filter((word) => word !== '').join('  '), server.line)
      }),
    ]),
    ...outline.virtualRouters.map(({ name, vrid, priority, line }) =>
      entry('router', name, `vrid ${vrid ?? '–'}  priority ${priority}`, line),
    ),
    ...outline.scripts.map(({ name, command, line }) => entry('script', name, command, line)),
  ]
  return entries.sort((a, b) => a.line - b.line)
}

const entry = (what: OutlineEntry['what'], name: string, detail: string, line: number): OutlineEntry => ({
  what,
  name,
  detail,
  line,
})
