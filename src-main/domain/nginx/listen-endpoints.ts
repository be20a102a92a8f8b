import { endpointOf, type Endpoint } from '../net/endpoint.ts'
import type { WantedEndpoint } from '../net/unseen-by-check.ts'
import { parseTree, type TreeDirective } from './config-tree.ts'

/** TCP endpoints of every `listen`; unix sockets and `udp` are left out, as are host names. A `listen` without a port means 80. */
export function listenEndpoints(files: readonly { path: string; text: string }[]): WantedEndpoint[] {
  return files.flatMap(({ path, text }) => {
    const among = (directives: readonly TreeDirective[]): WantedEndpoint[] =>
      directives.flatMap(({ words: [name, first, ...options], block }) => {
        if (block !== null) return among(block)
        if (name.text !== 'listen' || first === undefined || options.some(({ text }) => text === 'udp')) return []
        const endpoint = listenEndpoint(first.text)
        return endpoint === null ? [] : [{ ...endpoint, path, line: name.line, anyAddress: false }]
      })
    return among(parseTree(path, text).directives)
  })
}

/** Of the first word after `listen`; null for a unix socket or a name. */
export function listenEndpoint(word: string): Endpoint | null {
  if (word.startsWith('unix:')) return null
  const written = /^\d+$/.test(word) ? `*:${word}` : word
  const [, host = '', port = '80'] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(written) ?? []
  return endpointOf(host, port)
}
