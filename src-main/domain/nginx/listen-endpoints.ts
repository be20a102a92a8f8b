import { endpointOf } from '../net/endpoint.ts'
import type { WantedEndpoint } from '../net/unseen-by-check.ts'
import { parseTree, type TreeDirective } from './config-tree.ts'

/** TCP endpoints of every `listen`; unix sockets and `udp` are left out, as are host names. A `listen` without a port means 80. */
export function listenEndpoints(files: readonly { path: string; text: string }[]): WantedEndpoint[] {
  return files.flatMap(({ path, text }) => {
    const among = (directives: readonly TreeDirective[]): WantedEndpoint[] =>
      directives.flatMap(({ words: [name, first, ...options], block }) => {
        if (block !== null) return among(block)
        const words = options.map((option) => option.text)
        if (name.text !== 'listen' || first === undefined || first.text.startsWith('unix:') || words.includes('udp')) return []
        const written = /^\d+$/.test(first.text) ? `*:${first.text}` : first.text
        const [, host = '', port = '80'] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(written) ?? []
        const endpoint = endpointOf(host, port)
        return endpoint === null ? [] : [{ ...endpoint, path, line: name.line, anyAddress: false }]
      })
    return among(parseTree(path, text).directives)
  })
}
