import type { ConfigText } from '#contract'
import { endpointsOf } from '../haproxy/bind-endpoints.ts'
import { parseConfig } from '../haproxy/config/tree.ts'
import { settingOf, viewOf } from '../haproxy/config/view.ts'
import type { Endpoint } from '../net/endpoint.ts'
import { parseTree, type TreeDirective } from '../nginx/config-tree.ts'
import { listenEndpoint } from '../nginx/listen-endpoints.ts'
import type { Regression } from './judge-health.ts'

/** Where clients come in. */
export interface FrontDoor extends Endpoint {
  /** to be asked for over plain HTTP; null: only a connection can be tried, as what is spoken there is not known (TCP, TLS, PROXY) */
  path: string | null
}

/** What came of trying one: nobody took the connection or it was closed at once; it was taken; it was answered, and not with 5xx. */
export const outcomes = ['none', 'taken', 'answered'] as const
export type Outcome = (typeof outcomes)[number]

/** more than these say nothing new of a node */
const mostDoors = 12
/** Of the last tries of a door so many may fail: a reload resets a connection now and then. */
const lastTries = 4
const failuresAllowed = 1

/** Of all HAProxy and nginx files of a node. */
export function frontDoors(files: readonly ConfigText[]): FrontDoor[] {
  const of = (kind: ConfigText['kind']): ConfigText[] => files.filter((file) => file.kind === kind)
  const nginx = of('nginx').flatMap(({ path, text }) => nginxDoors(parseTree(path, text).directives, true))
  const doors = [...haproxyDoors(of('haproxy')), ...nginx]
  return [...new Map(doors.map((door) => [doorKey(door), door])).values()].slice(0, mostDoors)
}

export const doorKey = ({ address, port, path }: FrontDoor): string => `${address} ${port} ${path ?? ''}`

function haproxyDoors(files: readonly ConfigText[]): FrontDoor[] {
  const { proxies } = viewOf(files.map(({ path, text }) => ({ path, tree: parseConfig(text) })))
  return proxies.flatMap((proxy) =>
    proxy.binds.flatMap((bind) => {
      const isPlain = !bind.options.includes('ssl') && !bind.options.includes('accept-proxy')
      const path = isPlain && settingOf(proxy, 'mode')?.values[0] === 'http' ? '/' : null
      return endpointsOf(bind).map(({ address, port }) => ({ address, port, path }))
    }),
  )
}

/** A `server` in a file that is included from elsewhere is one of `stream` when it passes everything on itself. */
function nginxDoors(directives: readonly TreeDirective[], isHttp: boolean): FrontDoor[] {
  return directives.flatMap(({ words: [name], block }): FrontDoor[] => {
    if (block === null) return []
    if (name.text !== 'server') return nginxDoors(block, isHttp && name.text !== 'stream' && name.text !== 'mail')
    const speaksHttp = isHttp && !block.some(({ words }) => words[0].text === 'proxy_pass')
    return block.flatMap(({ words }) => {
      const [keyword, first, ...options] = words.map(({ text }) => text)
      const endpoint = keyword === 'listen' && first !== undefined ? listenEndpoint(first) : null
      if (endpoint === null || options.includes('udp')) return []
      const isPlain = speaksHttp && !options.includes('ssl') && !options.includes('proxy_protocol')
      return (isPlain ? passedPaths(block) : [null]).map((path) => ({ ...endpoint, path }))
    })
  })
}

/** Prefixes of the locations that pass on, each of which may lead to another pool; `/` where there are none. */
function passedPaths(server: readonly TreeDirective[]): string[] {
  const paths = server.flatMap(({ words, block }) => {
    const [keyword, ...rest] = words.map(({ text }) => text)
    const path = rest.at(-1) ?? ''
    const isPrefix =
      keyword === 'location' && path.startsWith('/') && (rest.length === 1 || rest[0] === '^~' || rest[0] === '=')
    return isPrefix && block?.some((each) => each.words[0].text === 'proxy_pass') === true ? [path] : []
  })
  return paths.length === 0 ? ['/'] : paths
}

/** Whether a door has become worse; `label` says which, and who tries it. */
export function doorRegression(label: string, before: readonly Outcome[], since: readonly Outcome[]): Regression | null {
  const rank = (outcome: Outcome): number => outcomes.indexOf(outcome)
  const was = Math.min(...before.map(rank))
  const worse = since.slice(-lastTries).filter((each) => rank(each) < was)
  const last = worse.at(-1)
  if (last === undefined || worse.length <= failuresAllowed) return null
  const says = { none: 'nobody takes the connection', taken: 'it is not answered, or with 5xx', answered: 'it is answered' }
  return {
    metric: 'answers',
    subject: label,
    before: was,
    after: rank(last),
    text: `${label}: ${says[last]}; before, ${says[outcomes[was] ?? 'none']}.`,
  }
}
