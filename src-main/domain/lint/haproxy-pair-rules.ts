/** What must be the same on balancers that stand in for one another, each with a configuration of its own. */
import type { ConfiguredServer, HaproxyView, Place, ProxyView } from '../haproxy/config/view.ts'
import { settingOf } from '../haproxy/config/view.ts'
import type { Rule } from './finding.ts'

export interface HaproxyMembers {
  /** the first is what the others are held against */
  readonly views: readonly HaproxyView[]
}

const keyOf = ({ kind, name }: ProxyView): string => `${kind} ${name}`
const where = ({ file, line }: Place): string => `${file}:${line}`
const settingText = (proxy: ProxyView, keyword: string): string => settingOf(proxy, keyword)?.values.join(' ') ?? ''
/** Each member may listen on an address of its own, and must on the same ports. */
const portsOf = ({ binds }: ProxyView): string =>
  binds
    .flatMap(({ addresses }) => addresses.map((address) => /:(\d+(-\d+)?)$/.exec(address)?.[1] ?? address))
    .sort()
    .join(' ')
const routesOf = ({ routes }: ProxyView): string =>
  routes.map(({ backend, condition }) => `${backend} ${condition ?? ''}`.trim()).join('; ')

const facts: readonly [string, (proxy: ProxyView) => string][] = [
  ['mode', (proxy) => settingText(proxy, 'mode')],
  ['balance', (proxy) => settingText(proxy, 'balance')],
  ['cookie', (proxy) => settingText(proxy, 'cookie')],
  ['ports', portsOf],
  ['routes', routesOf],
]
const serverFacts: readonly [string, (server: ConfiguredServer) => string][] = [
  ['address', ({ address }) => address],
  ['cookie', ({ options }) => options.get('cookie')?.values.join(' ') ?? ''],
  ['backup', ({ options }) => (options.has('backup') ? 'yes' : 'no')],
  ['check', ({ options }) => (options.has('check') ? 'yes' : 'no')],
]

function* proxyDifferences(one: ProxyView, other: ProxyView) {
  for (const [what, of] of facts) {
    const [here, there] = [of(other), of(one)]
    if (here !== there) yield { at: other, message: `${keyOf(other)}: ${what} is "${here}", and "${there}" in ${where(one)}` }
  }
  for (const server of one.servers) {
    const same = other.servers.find(({ name }) => name === server.name)
    if (same === undefined) {
      yield { at: other, message: `${keyOf(other)} has no server ${server.name}, which stands in ${where(server)}` }
      continue
    }
    for (const [what, of] of serverFacts) {
      const [here, there] = [of(same), of(server)]
      if (here !== there)
        yield { at: same, message: `${other.name}/${same.name}: ${what} is "${here}", and "${there}" in ${where(server)}` }
    }
  }
  for (const server of other.servers) {
    if (!one.servers.some(({ name }) => name === server.name))
      yield { at: server, message: `${other.name}/${server.name} is not in ${where(one)}` }
  }
}

const differing: Rule<HaproxyMembers> = {
  id: 'haproxy/members-differ',
  severity: 'warning',
  reason: 'When the address moves, the same request is answered otherwise, or by nobody.',
  *find({ views: [first, ...others] }) {
    if (first === undefined) return
    for (const { proxies } of others) {
      for (const one of first.proxies) {
        const other = proxies.find((each) => keyOf(each) === keyOf(one))
        if (other !== undefined) yield* proxyDifferences(one, other)
        else yield { at: one, message: `${keyOf(one)} is not in ${proxies[0]?.file ?? 'the other'}` }
      }
      for (const other of proxies) {
        if (!first.proxies.some((each) => keyOf(each) === keyOf(other)))
          yield { at: other, message: `${keyOf(other)} is not in ${first.proxies[0]?.file ?? 'the other'}` }
      }
    }
  },
}

export const haproxyPairRules: readonly Rule<HaproxyMembers>[] = [differing]

/** Whether these files are whole configurations of several balancers: each has a `global` section, and they share the name of a proxy. */
export function areMembers(files: readonly { view: HaproxyView }[]): boolean {
  const [first, ...others] = files
  const names = new Set(first?.view.proxies.map(keyOf))
  return (
    others.length > 0 &&
    files.every(({ view }) => view.global.length > 0) &&
    others.every(({ view }) => view.proxies.some((proxy) => names.has(keyOf(proxy))))
  )
}
