import type { LineTree } from '../config-text/line-tree.ts'
import { sectionsOf } from '../haproxy/config/tree.ts'
import { settingOf, type HaproxyView, type ProxyView, type Setting } from '../haproxy/config/view.ts'
import type { Rule, Spot } from './finding.ts'

export interface HaproxyConfig {
  /** in the order HAProxy reads them */
  readonly files: readonly { readonly path: string; readonly tree: LineTree }[]
  readonly view: HaproxyView
}

const isFrontend = (proxy: ProxyView): boolean => proxy.kind !== 'backend'
const isPool = (proxy: ProxyView): boolean => proxy.kind !== 'frontend' && proxy.servers.length > 0
const setting = (proxy: ProxyView, keyword: string): Setting | null => settingOf(proxy, keyword)

/** An option that a later `no option x` switches off again. */
function hasOption(proxy: ProxyView, name: string): boolean {
  const on = setting(proxy, `option ${name}`)
  const off = proxy.settings.find(({ keyword, values }) => keyword === 'no option' && values[0] === name)
  if (on === null) return false
  return off === undefined || (on.inherited ? off.inherited : true)
}

const syntax: Rule<HaproxyConfig> = {
  id: 'haproxy/syntax',
  severity: 'error',
  reason: 'HAProxy refuses the file, and a reload keeps the old configuration.',
  *find({ files }) {
    for (const { path, tree } of files) {
      for (const { number, problem } of tree.lines) {
        if (problem !== null) yield { at: { file: path, line: number, column: problem.column + 1 }, message: problem.message }
      }
      const last = tree.lines.at(-1)
      if (last?.end === '') {
        const at = { file: path, line: last.number, column: last.text.length + 1 }
        yield { at, message: 'the last line has no line feed at its end', fix: 'end the file with a line feed' }
      }
      const [first] = sectionsOf(tree)
      const stray =
        first?.kind === '' ? first.lines.find(({ words }) => words.length > 0 && !words[0]?.value.startsWith('.')) : undefined
      if (stray !== undefined) {
        yield { at: { file: path, line: stray.number }, message: `"${stray.words[0]?.value}" stands before the first section` }
      }
    }
  },
}

const unknownOption: Rule<HaproxyConfig> = {
  id: 'haproxy/unknown-server-option',
  severity: 'error',
  reason: 'HAProxy refuses a server line with a word it does not know.',
  *find({ view }) {
    for (const { servers } of view.proxies) {
      for (const server of servers) {
        const [word] = server.unknownOptions
        if (word !== undefined) yield { at: server, message: `server ${server.name}: unknown option "${word}"` }
      }
    }
  },
}

const duplicateServer: Rule<HaproxyConfig> = {
  id: 'haproxy/duplicate-server',
  severity: 'error',
  reason: 'HAProxy refuses two servers of one name in a backend.',
  *find({ view }) {
    for (const proxy of view.proxies) {
      const seen = new Map<string, number>()
      for (const server of proxy.servers) {
        const first = seen.get(server.name)
        if (first === undefined) seen.set(server.name, server.line)
        else yield { at: server, message: `${proxy.name} has a server "${server.name}" in line ${first} already` }
      }
    }
  },
}

/** A frontend and a backend may share a name; `listen` is both. */
const duplicateProxy: Rule<HaproxyConfig> = {
  id: 'haproxy/duplicate-proxy',
  severity: 'error',
  reason: 'HAProxy refuses two frontends or two backends of one name.',
  *find({ view }) {
    const seen = new Map<string, ProxyView>()
    for (const proxy of view.proxies) {
      const sides = proxy.kind === 'listen' ? ['frontend', 'backend'] : [proxy.kind]
      const first = sides.map((side) => seen.get(`${side} ${proxy.name}`)).find((each) => each !== undefined)
      for (const side of sides) seen.set(`${side} ${proxy.name}`, first ?? proxy)
      if (first !== undefined) {
        yield {
          at: proxy,
          message: `${proxy.kind} ${proxy.name} has the name of ${first.kind} ${first.name} in ${first.file}:${first.line}`,
        }
      }
    }
  },
}

const missingBackend: Rule<HaproxyConfig> = {
  id: 'haproxy/missing-backend',
  severity: 'error',
  reason: 'HAProxy refuses a route to a backend that does not exist.',
  *find({ view }) {
    const backends = new Set(view.proxies.filter(({ kind }) => kind !== 'frontend').map(({ name }) => name))
    for (const proxy of view.proxies.filter(isFrontend)) {
      for (const route of proxy.routes) {
        // a log-format expression is known only at run time
        if (route.backend.includes('%[') || backends.has(route.backend)) continue
        yield { at: route, message: `${proxy.name} sends requests to "${route.backend}", and there is no such backend` }
      }
    }
  },
}

const noHealthCheck: Rule<HaproxyConfig> = {
  id: 'haproxy/no-health-check',
  severity: 'warning',
  reason: 'Without a check HAProxy keeps sending requests to a server that died.',
  *find({ view }) {
    for (const proxy of view.proxies.filter(isPool)) {
      const unchecked = proxy.servers.filter(
        ({ options }) => !options.has('check') && !options.has('track') && !options.has('observe'),
      )
      for (const server of unchecked) {
        yield { at: server, message: `${proxy.name}/${server.name} is not checked`, fix: 'add "check" to the server line' }
      }
    }
  },
}

const singleServer: Rule<HaproxyConfig> = {
  id: 'haproxy/single-server',
  severity: 'warning',
  reason: 'When that server stops or is drained, clients get 503 at once.',
  *find({ view }) {
    for (const proxy of view.proxies.filter(isPool)) {
      const count = proxy.servers.reduce((sum, server) => sum + server.count, 0)
      const [server] = proxy.servers
      if (count === 1 && server !== undefined)
        yield { at: server, message: `${proxy.name} has one server only, ${server.name}` }
    }
  },
}

const stickyWithoutFallback: Rule<HaproxyConfig> = {
  id: 'haproxy/sticky-without-fallback',
  severity: 'warning',
  reason: 'A client whose cookie names a dead server keeps asking for it and gets 503 until the cookie goes.',
  *find({ view }) {
    for (const proxy of view.proxies.filter(isPool)) {
      const cookie = setting(proxy, 'cookie')
      if (cookie === null || hasOption(proxy, 'redispatch')) continue
      yield { at: cookie, message: `${proxy.name} is sticky by cookie and may not redispatch`, fix: 'add "option redispatch"' }
    }
  },
}

const missingTimeout: Rule<HaproxyConfig> = {
  id: 'haproxy/missing-timeout',
  severity: 'warning',
  reason: 'Without it a peer that says nothing holds its connection for ever.',
  *find({ view }) {
    for (const proxy of view.proxies) {
      const wanted = [
        ...(isFrontend(proxy) && proxy.binds.length > 0 ? ['client'] : []),
        ...(isPool(proxy) ? ['connect', 'server'] : []),
      ]
      const missing = wanted.filter((name) => setting(proxy, `timeout ${name}`) === null)
      if (missing.length === 0) continue
      const names = missing.map((name) => `timeout ${name}`).join(' and ')
      yield { at: proxy, message: `${proxy.kind} ${proxy.name} has no ${names}`, fix: `add ${names} here or in defaults` }
    }
  },
}

const adminOnTcp: Rule<HaproxyConfig> = {
  id: 'haproxy/admin-socket-on-tcp',
  severity: 'error',
  reason: 'Anyone who reaches that port may take every server out; the protocol has no password.',
  *find({ view }) {
    for (const { keyword, values, ...at } of view.global) {
      if (keyword !== 'stats socket' || !values.includes('admin')) continue
      const address = values[0] ?? ''
      if (address.startsWith('/') || /^(unix|abns|fd|sockpair)@/.test(address)) continue
      yield {
        at,
        message: `the admin socket listens on TCP, ${address}`,
        fix: 'use a unix socket: stats socket /run/haproxy/admin.sock level admin',
      }
    }
  },
}

const bindTwice: Rule<HaproxyConfig> = {
  id: 'haproxy/bind-twice',
  severity: 'error',
  reason: '"haproxy -c" accepts it, both listen, and the kernel splits the connections between them (2.6.12).',
  *find({ view }) {
    const seen = new Map<string, { proxy: ProxyView; at: Spot }>()
    for (const proxy of view.proxies) {
      for (const bind of proxy.binds) {
        for (const written of bind.addresses) {
          const address = written.replace(/^(ipv4@|\*(?=:))/, '')
          const first = seen.get(address)
          if (first === undefined) seen.set(address, { proxy, at: bind })
          else
            yield {
              at: bind,
              message: `${proxy.name} binds ${written}, and so does ${first.proxy.name} in line ${first.at.line}`,
            }
        }
      }
    }
  },
}

const maxconnArithmetic: Rule<HaproxyConfig> = {
  id: 'haproxy/maxconn',
  severity: 'warning',
  reason: 'The process stops accepting at its own limit, so the larger one is never reached.',
  *find({ view }) {
    const limit = view.global.findLast(({ keyword }) => keyword === 'maxconn')
    if (limit === undefined) return
    for (const proxy of view.proxies.filter(isFrontend)) {
      const own = setting(proxy, 'maxconn')
      if (own === null || !(Number(own.values[0]) > Number(limit.values[0]))) continue
      yield { at: own, message: `${proxy.name} allows ${own.values[0]} connections, the whole process ${limit.values[0]}` }
    }
  },
}

const stateFile: Rule<HaproxyConfig> = {
  id: 'haproxy/server-state',
  severity: 'warning',
  reason: 'An old state file brings back a drain or a weight of long ago at the next reload (2.6.12).',
  *find({ view }) {
    const said = new Set<string>()
    for (const proxy of view.proxies) {
      const load = setting(proxy, 'load-server-state-from-file')
      if (load === null || load.values[0] === 'none' || said.has(`${load.file}:${load.line}`)) continue
      said.add(`${load.file}:${load.line}`)
      yield {
        at: load,
        message: `server states are loaded from a file at every start`,
        fix: 'save the file with "show servers state" right before each reload, or leave it out',
      }
    }
  },
}

export const haproxyRules: readonly Rule<HaproxyConfig>[] = [
  syntax,
  unknownOption,
  duplicateServer,
  duplicateProxy,
  missingBackend,
  noHealthCheck,
  singleServer,
  stickyWithoutFallback,
  missingTimeout,
  adminOnTcp,
  bindTwice,
  maxconnArithmetic,
  stateFile,
]
